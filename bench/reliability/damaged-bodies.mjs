// Bodies for the model `weather`, right and wrong, and what each means by itself: read here anew, as the service is what is measured.

import fc from 'fast-check'

const [steps, features] = [7, 4]
const number = fc.oneof(fc.integer({ min: -100, max: 100 }), fc.double({ noNaN: true, min: -3e38, max: 3e38 }), fc.constantFrom(0, -0, 1e-45, 0.1, 16777217, 3.4028234663852886e38, -1e-320))
const odd = fc.constantFrom(null, true, false, '3', '', 'NaN', 'x', [], {}, [1], [[1]], { a: 1 }, { length: 1, 0: 1 }, 1e39, -1e39, 1e308, 3.4028236e38)
const fields = fc.oneof(
  { weight: 12, arbitrary: fc.constant({}) },
  fc.constantFrom({ version: 1 }, { raw: false }, { outputs: false }, { version: '1' }, { version: 1.5 }, { version: 0 }, { version: true }, { version: null }, { raw: 1 }, { raw: 'true' }, { raw: null }, { raw: [] }, { outputs: 'false' }, { outputs: 0 },
    { layers: 1 }, { layers: [1] }, { layers: [null] }, { layers: {} }, { steps: 'first' }, { steps: '0' }, { steps: ['0'] }, { steps: [0.5] }, { steps: { from: '0' } }, { initialState: [] }, { initialState: 'lstm' }, { summary: true }, { more: 1 })
)

/** What is done to regular lists: the place is a number in [0, 1) for each axis. */
const damage = fc.record({ kind: fc.constantFrom('number', 'number', 'row', 'step', 'drop', 'add', 'wrap', 'unwrap', 'empty'), depth: fc.nat({ max: 2 }), place: fc.tuple(fc.nat(), fc.nat(), fc.nat()), put: odd })

function damaged (lists, { kind, depth, place, put }) {
  if (kind === 'wrap') return [lists]
  if (kind === 'unwrap') return Array.isArray(lists) ? lists[0] : lists
  let list = lists
  const wanted = { number: 2, row: 1, step: 0, drop: depth, add: depth, empty: depth }[kind]
  for (let axis = 0; axis < wanted; axis++) {
    const inner = Array.isArray(list) ? list[place[axis] % Math.max(1, list.length)] : undefined
    if (!Array.isArray(inner)) return lists
    list = inner
  }
  if (!Array.isArray(list)) return lists
  const at = place[wanted] % Math.max(1, list.length)
  if (kind === 'drop') list.splice(at, 1)
  else if (kind === 'add') list.splice(at, 0, structuredClone(list[at] ?? put))
  else if (kind === 'empty') list.length = 0
  else list[at] = structuredClone(put)
  return lists
}

const nested = fc.integer({ min: 1, max: 3 }).chain((batch) => {
  const size = batch * steps * features
  return fc.tuple(fc.constant(batch), fc.array(number, { minLength: size, maxLength: size }))
})
const lists = (batch, flat) => Array.from({ length: batch }, (_, b) => Array.from({ length: steps }, (_, s) => flat.slice((b * steps + s) * features, (b * steps + s + 1) * features)))

const inputs = fc.tuple(nested, fc.array(damage, { maxLength: 2 }), fc.constantFrom('nested', 'nested', 'nested', 'by name', 'by another name', 'shape and data', 'shape and lists', 'odd'), odd, fc.nat({ max: 30 })).map(([[batch, flat], wrong, form, put, where]) => {
  const value = wrong.reduce(damaged, lists(batch, flat))
  if (form === 'nested') return value
  if (form === 'by name') return { days: value }
  if (form === 'by another name') return { day: value }
  if (form === 'odd') return put
  const shape = [batch, steps, features]
  const data = form === 'shape and data' ? [...flat] : value
  // Some of these stay right.
  if (where < 3) shape[where] = put
  else if (where < 6 && Array.isArray(data)) data[where] = put
  else if (where < 8 && Array.isArray(data)) data.pop()
  return where === 8 ? { data } : where === 9 ? { shape } : where === 10 ? { shape, data, more: 1 } : { shape, data }
})

/** So many bodies, one after the other, each for /hidden-states and the layer that gives back what was read. */
export function * damagedBodies (count, seed) {
  const bodies = fc.tuple(inputs, fields).map(([inputs, more]) => ({ model: 'weather', inputs, layers: 'days', ...more }))
  for (let made = 0; made < count; made += 1000) yield * fc.sample(bodies, { numRuns: Math.min(1000, count - made), seed: seed + made })
}

/** The float32 numbers of a right body, row by row; null where anything about it is wrong. */
export function whatIsMeant ({ model, inputs, layers, ...more }) {
  const known = { version: [1], raw: [false], outputs: [false] }
  if (layers !== 'days' || !Object.entries(more).every(([name, value]) => Object.hasOwn(known, name) && known[name].includes(value))) return null
  const own = isObject(inputs) && Object.keys(inputs).join() === 'days' ? inputs.days : inputs
  const flat = Array.isArray(own) ? ofLists(own) : isObject(own) && Object.keys(own).sort().join() === 'data,shape' ? ofData(own) : null
  if (flat === null || !flat.every((x) => typeof x === 'number' && Number.isFinite(Math.fround(x)))) return null
  return flat.map((x) => Math.fround(JSON.parse(JSON.stringify(x))))
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const ofLists = (value) => value.length > 0 && value.every((days) => Array.isArray(days) && days.length === steps && days.every((day) => Array.isArray(day) && day.length === features)) ? value.flat(2) : null
const ofData = ({ shape, data }) => Array.isArray(shape) && Array.isArray(data) && shape.length === 3 && Number.isInteger(shape[0]) && shape[0] > 0 && shape[1] === steps && shape[2] === features &&
  data.length === shape[0] * steps * features
  ? data
  : null

/** Does a JSON pointer name a member of this, or one that it lacks? */
export function pointsInto (body, pointer) {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/'))) return false
  const parts = pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  let value = body
  for (const [n, part] of parts.entries()) {
    if (typeof value !== 'object' || value === null) return false
    if (!Object.hasOwn(value, part)) return n === parts.length - 1
    value = value[part]
  }
  return true
}
