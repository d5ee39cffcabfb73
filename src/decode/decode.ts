import type { Served } from '../registry/entry.ts'
import { javascript } from './javascript.ts'
import type { Language } from './literal.ts'
import { programOf } from './program.ts'
import { python } from './python.ts'

export { languages, type Language } from './literal.ts'

const written: Readonly<Record<Language, typeof python>> = { python, javascript }

/**
 * A program that computes what the model predicts from its weights as /weights gives them. Throws `unsupported_layer`, naming layer and class, where a
 * model is more than a chain of the layers that can be written down.
 */
export const decode = (model: Pick<Served, 'id' | 'version' | 'digest' | 'file'>, language: Language): string => written[language](programOf(model))
