import { readManifest } from '../store/manifest.ts'

/** What a place's manifest says its model has to be; null where it was put there by hand. */
export const storedDigest = async ({ path }: { readonly path: string }): Promise<string | null> => (await readManifest(path))?.digest ?? null
