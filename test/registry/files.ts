import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import h5wasm from 'h5wasm'
import t from 'tap'
import { readModel } from '../../src/registry/read.ts'
import type { ModelFile } from '../../src/model.ts'

/** Numbers of one array of a file: float32 where no type is given. */
export interface Numbers { readonly shape: readonly number[], readonly data?: Float32Array | Float64Array | Int32Array, readonly dtype?: string }

export interface Content {
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>
  readonly arrays?: Readonly<Record<string, Numbers>>
  readonly groups?: Readonly<Record<string, Content>>
}

/** 1, 2, 3, ... divided by 8: exact in every kind of number. */
export const counted = (shape: readonly number[]): Float32Array => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => (n + 1) / 8)

let count = 0

/** The bytes of an HDF5 file. */
export async function hdf5 (content: Content): Promise<Buffer> {
  const { FS } = await h5wasm.ready
  const name = `made${++count}.h5`
  const file = new h5wasm.File(name, 'w')
  const fill = (group: InstanceType<typeof h5wasm.Group>, { attributes = {}, arrays = {}, groups = {} }: Content): void => {
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === 'string') group.create_attribute(key, value)
      else if (value.length > 0) group.create_attribute(key, [...value])
    }
    for (const [key, inner] of Object.entries(groups)) fill(group.create_group(key), inner)
    for (const [key, { shape, data, dtype }] of Object.entries(arrays)) group.create_dataset({ name: key, data: data ?? counted(shape), shape: [...shape], ...(dtype === undefined ? {} : { dtype }) })
  }
  fill(file, content)
  file.close()
  const bytes = Buffer.from(FS.readFile(name) as Uint8Array)
  FS.unlink(name)
  return bytes
}

/** A zip archive whose members are stored, as Keras writes it. */
export function zip (files: Readonly<Record<string, Buffer | string>>, { checksum = crc32 as (bytes: Buffer) => number } = {}): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.from(content)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt32LE(checksum(bytes), 10)
    common.writeUInt32LE(bytes.length, 14)
    common.writeUInt32LE(bytes.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), bytes])
    const at = Buffer.alloc(14)
    at.writeUInt32LE(offset, 10)
    central.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, at, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(central.length, 8)
  end.writeUInt16LE(central.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, directory, end])
}

/** Reads bytes as a file of that name. */
export async function readBytes (name: string, bytes: Buffer | string, beside: Readonly<Record<string, Buffer | string>> = {}, weights: string | null = null): Promise<ModelFile> {
  const folder = t.testdir()
  for (const [other, content] of Object.entries(beside)) writeFileSync(join(folder, other), content)
  const main = join(folder, name)
  writeFileSync(main, bytes)
  return await readModel({ main, weights: weights === null ? null : join(folder, weights) })
}

/** A layer's entry in the config of a Sequential model. */
export const entry = (className: string, config: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({ class_name: className, config, ...more })

export const input = entry('InputLayer', { name: 'x', batch_input_shape: [null, 4, 2], dtype: 'float32' })
export const lstm = entry('LSTM', { name: 'lstm', units: 3 })
export const sequential = (...layers: readonly unknown[]): Record<string, unknown> => entry('Sequential', { name: 'model', layers })

/** A legacy file of one Sequential model; `layers` by name, each with its arrays by name, in order. */
export async function legacy (architecture: unknown, layers: Readonly<Record<string, Readonly<Record<string, Numbers>>>>, version: string | null = '2.15.0'): Promise<Buffer> {
  return await hdf5({
    attributes: { model_config: JSON.stringify(architecture), ...(version === null ? {} : { keras_version: version }) },
    groups: { model_weights: weightsOf(layers, version) }
  })
}

export const weightsOf = (layers: Readonly<Record<string, Readonly<Record<string, Numbers>>>>, version: string | null = '2.15.0'): Content => ({
  attributes: { layer_names: Object.keys(layers), ...(version === null ? {} : { keras_version: version, backend: 'tensorflow' }) },
  groups: Object.fromEntries(Object.entries(layers).map(([name, arrays]) => [name, { attributes: { weight_names: Object.keys(arrays) }, arrays }]))
})

/** Those of `lstm` above. */
export const lstmArrays: Readonly<Record<string, Numbers>> = { 'kernel:0': { shape: [2, 12] }, 'recurrent_kernel:0': { shape: [3, 12] }, 'bias:0': { shape: [12] } }

/** Awaits the fault of a promise. */
export async function faultOf (promise: Promise<unknown>): Promise<{ code: string, message: string }> {
  try {
    await promise
  } catch (error) {
    return error as { code: string, message: string }
  }
  throw new Error('there was no fault')
}
