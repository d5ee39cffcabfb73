// Answers of every form as named arrays, so that no server is timed whose numbers are wrong.

/** name -> flat values, named as the service names them; final states and masks, which rivals do not give, are left out. */
export function arraysOf ({ headers, body }) {
  const type = headers['content-type'] ?? ''
  const arrays = type.includes('safetensors') ? fromSafetensors(body) : type.includes('octet-stream') ? fromV2(headers, body) : fromJson(body)
  return new Map([...arrays].filter(([name]) => !/(^|\/)(final|mask)(\/|$)/.test(name)))
}

/** The largest |a - b| / max(1, |b|) of any element; Infinity where names or sizes differ or a number is none. */
export function difference (given, truth) {
  if (given.size !== truth.size) return Infinity
  let largest = 0
  for (const [name, b] of truth) {
    const a = given.get(name)
    if (a?.length !== b.length) return Infinity
    for (let n = 0; n < b.length; n++) {
      const off = Math.abs(a[n] - b[n]) / Math.max(1, Math.abs(b[n]))
      if (!(off <= largest)) largest = Number.isFinite(off) ? off : Infinity
    }
  }
  return largest
}

function fromJson (body) {
  const { outputs, layers } = JSON.parse(body)
  const arrays = new Map()
  const walk = (value, path) => {
    if (Array.isArray(value)) {
      const flat = value.flat(Infinity)
      if (typeof flat[0] === 'number' && path.at(-1) !== 'stepIndices') arrays.set(path.join('/'), flat)
    } else if (value !== null && typeof value === 'object') {
      for (const [name, member] of Object.entries(value)) walk(member, [...path, name])
    }
  }
  walk({ ...outputs, ...layers }, [])
  return arrays
}

function fromSafetensors (body) {
  const length = Number(body.readBigUInt64LE())
  const { __metadata__: _, ...entries } = JSON.parse(body.subarray(8, 8 + length))
  return new Map(Object.entries(entries).filter(([, { dtype }]) => dtype === 'F32').map(([name, { data_offsets: [from, to] }]) =>
    [name.replace(/^outputs\//, ''), floats(body.subarray(8 + length + from, 8 + length + to))]))
}

function fromV2 (headers, body) {
  let at = Number(headers['inference-header-content-length'])
  return new Map(JSON.parse(body.subarray(0, at)).outputs.map(({ name, parameters: { binary_data_size: size } }) => {
    at += size
    return [name, floats(body.subarray(at - size, at))]
  }))
}

const floats = (bytes) => new Float32Array(Uint8Array.from(bytes).buffer)
