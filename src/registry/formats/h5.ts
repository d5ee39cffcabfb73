import { Fault } from '../../errors.ts'
import type { Stored } from '../arrays.ts'
import type { Tree } from '../tree.ts'
import type { Group } from '../weights.ts'
import type { Hdf5 } from './hdf5.ts'

/** Deeper than any Keras files weights. */
const deepest = 64

/** What a weights part of an HDF5 file is: a group for each layer (legacy), or the layout of `.keras` files. */
export type Filed = { readonly groups: readonly Group[], readonly version: string | null, readonly backend: string | null } | { readonly tree: Tree }

/** The weights under `root` ('' or 'model_weights'). Throws `bad_file` where there are none. */
export function filedWeights (file: Hdf5, root: string): Filed {
  const layers = file.texts(root, 'layer_names')
  if (layers === null) {
    if (file.has(join(root, 'layers')) || file.has(join(root, '_layer_checkpoint_dependencies')) || file.has(join(root, 'vars'))) return { tree: tree(file, root) }
    throw new Fault('bad_file', 'the file holds no weights in a layout of Keras')
  }
  const text = (name: string): string | null => {
    const value = file.attribute(root, name)
    return typeof value === 'string' ? value : null
  }
  return { groups: layers.map((name) => group(file, root, name)), version: text('keras_version'), backend: text('backend') }
}

function group (file: Hdf5, root: string, name: string): Group {
  const path = join(root, name)
  const names = file.texts(path, 'weight_names') ?? []
  return { name, arrays: names.map((own) => file.array(join(path, own))) }
}

function tree (file: Hdf5, path: string, depth = 0): Tree {
  if (depth > deepest) throw new Fault('bad_file', `groups lie more than ${deepest} deep in the file`)
  const groups = new Map<string, Tree>()
  let arrays: Stored[] = []
  for (const name of file.members(path)) {
    const inner = join(path, name)
    if (!file.isGroup(inner)) continue
    if (name === 'vars') arrays = variables(file, inner)
    else groups.set(name, tree(file, inner, depth + 1))
  }
  return { name: path, arrays, groups }
}

/** `0`, `1`, `2`, ... in the order of the numbers. */
function variables (file: Hdf5, path: string): Stored[] {
  return file.members(path).filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b)).map((name) => file.array(join(path, name)))
}

const join = (path: string, name: string): string => path === '' ? name : `${path}/${name}`
