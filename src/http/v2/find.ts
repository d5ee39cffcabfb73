import { Fault } from '../../errors.ts'
import type { Entry, Served } from '../../registry/entry.ts'
import type { Service } from '../service.ts'

/** What an address says of a model; a version is text there. */
export interface Address { readonly id: string, readonly version?: string }

/** The model of an address. Throws as the registry does, without pointers: an address has none. */
export const findModel = (service: Service, address: Address): Served => found(service, address, 'get')

/** The same, without asking it: it may not be on the engines. */
export const findEntry = (service: Service, address: Address): Entry => found(service, address, 'entry')

function found<How extends 'get' | 'entry'> ({ registry }: Service, { id, version }: Address, how: How): ReturnType<Service['registry'][How]> {
  if (version !== undefined && !/^[1-9]\d{0,14}$/.test(version)) throw new Fault('unknown_model', `model "${id}" has no version ${JSON.stringify(version)}: versions are positive whole numbers, or labels`)
  try {
    return registry[how](id, version === undefined ? undefined : Number(version)) as ReturnType<Service['registry'][How]>
  } catch (error) {
    throw error instanceof Fault ? new Fault(error.code, error.message) : error
  }
}

/** Every version of every model that can be asked. */
export const readyModels = ({ registry }: Service): Entry[] => registry.list().filter(({ status }) => status === 'ready' || status === 'idle')
