import { Fault } from '../../errors.ts'
import type { Served } from '../../registry/entry.ts'
import type { Service } from '../service.ts'

/** What an address says of a model; a version is text there. */
export interface Address { readonly id: string, readonly version?: string }

/** The model of an address. Throws as the registry does, without pointers: an address has none. */
export function findModel ({ registry }: Service, { id, version }: Address): Served {
  if (version !== undefined && !/^[1-9]\d{0,14}$/.test(version)) throw new Fault('unknown_model', `model "${id}" has no version ${JSON.stringify(version)}: versions are positive whole numbers`)
  try {
    return registry.get(id, version === undefined ? undefined : Number(version))
  } catch (error) {
    throw error instanceof Fault ? new Fault(error.code, error.message) : error
  }
}

/** Every version of every model that can be asked. */
export const readyModels = ({ registry }: Service): Served[] => registry.list().filter(({ status }) => status === 'ready') as Served[]
