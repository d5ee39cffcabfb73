// What is asked of a server, in its own words: the request of one line of a scenario.

const json = { 'content-type': 'application/json' }

/** What can be asked, by the word that scenarios use. */
export const names = { predict: 'predictions', hidden: 'hidden states', gates: 'all states and gates' }

/** The same numbers in every run: mulberry32. */
function generator (seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The inputs, [batch][step][feature] or, for tokens, [batch][step] with zeros (the mask) before each sequence, up to half of it. */
export function inputsOf ({ batch, steps, tokens = false }) {
  const random = generator(batch * 1000 + steps)
  return Array.from({ length: batch }, () => {
    const start = tokens ? Math.floor(random() * steps / 2) : 0
    return Array.from({ length: steps }, (_, t) =>
      tokens ? (t < start ? 0 : 1 + Math.floor(random() * 999)) : Array.from({ length: 60 }, () => Math.fround(random() * 2 - 1)))
  })
}

/** The request to the service itself, as `json`, `safetensors` (the answer alone) or `v2` (both ways); `outputs` are the names that v2 asks for. */
export function ourRequest ({ what, model, format, tokens }, inputs, outputs) {
  if (format === 'v2') return v2Request({ model, tokens }, inputs, outputs)
  const body = Buffer.from(JSON.stringify(what === 'hidden' ? { model, inputs, tensors: 'hidden' } : { model, inputs }))
  const path = what === 'predict' ? '/predict' : '/hidden-states'
  return { path, headers: format === 'json' ? json : { ...json, accept: 'application/vnd.safetensors' }, body }
}

function v2Request ({ model, tokens }, inputs, outputs) {
  const flat = tokens ? Int32Array.from(inputs.flat(Infinity)) : Float32Array.from(inputs.flat(Infinity))
  const shape = [inputs.length, inputs[0].length, ...tokens ? [] : [inputs[0][0].length]]
  const head = Buffer.from(JSON.stringify({
    inputs: [{ name: tokens ? 'ids' : 'x', shape, datatype: tokens ? 'INT32' : 'FP32', parameters: { binary_data_size: flat.byteLength } }],
    outputs: outputs.map((name) => ({ name, parameters: { binary_data: true } }))
  }))
  return {
    path: `/v2/models/${model}/infer`,
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) },
    body: Buffer.concat([head, Buffer.from(flat.buffer)])
  }
}

/** The request to a rival: an address for each thing that can be asked. */
export const rivalRequest = ({ what, model }, inputs) => ({ path: `/${what}`, headers: json, body: Buffer.from(JSON.stringify({ model, inputs })) })

/** The request to the empty server: a body of the same size, and an answer of the same size. */
export const ceilingRequest = ({ headers, body }, bytes) => ({ path: `/?bytes=${bytes}`, headers: { 'content-type': headers['content-type'] }, body })
