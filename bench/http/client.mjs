// The load client: some connections, each of which sends its next request when the last one is answered. Bytes are counted, not looked at.

import { performance } from 'node:perf_hooks'
import { Client } from 'undici'
import { Connection } from './connection.mjs'

/** One request: what it was answered, after how many milliseconds, and the body where `keep` asks for it. */
export function send (client, { path, headers, body }, keep = false) {
  const started = performance.now()
  return new Promise((resolve) => {
    let [status, answered, bytes] = [0, {}, 0]
    const chunks = []
    client.dispatch({ path, method: 'POST', headers, body }, {
      onRequestStart () {},
      onResponseStart (_controller, code, given) { [status, answered] = [code, given] },
      onResponseData (_controller, chunk) {
        bytes += chunk.length
        if (keep) chunks.push(chunk)
      },
      onResponseEnd () { resolve({ status, headers: answered, bytes, ms: performance.now() - started, body: keep ? Buffer.concat(chunks) : null }) },
      onResponseError (_controller, error) { resolve({ status: 0, error, bytes, ms: performance.now() - started }) }
    })
  })
}

/** One request on a connection of its own, body and all. */
export async function sendOnce (port, request) {
  const client = new Client(`http://127.0.0.1:${port}`)
  try {
    return await send(client, request, true)
  } finally {
    await client.close()
  }
}

/**
 * A round: a connection for each of `requests`, sending for `seconds`. What is under way then is waited for, and counts: a server of one answer in ten
 * seconds is measured too. `kind` of a request, where there is one, sorts the latencies.
 */
export async function round ({ port, requests, seconds }) {
  const connections = requests.map(() => new Connection(port))
  const latencies = new Map()
  let [count, errors, bytes, last] = [0, 0, 0, 0]
  const cpu = process.cpuUsage()
  const started = performance.now()
  const end = started + seconds * 1000
  await Promise.all(requests.map(async (request, n) => {
    const own = []
    do {
      const answer = await connections[n].send(request)
      if (answer.status !== 200) errors++
      own.push(answer.ms)
      bytes += answer.bytes
    } while ((last = performance.now()) < end)
    count += own.length
    const { kind = '' } = request
    latencies.set(kind, [...latencies.get(kind) ?? [], ...own])
  }))
  const { user, system } = process.cpuUsage(cpu)
  for (const connection of connections) connection.close()
  return { count, errors, rate: count / (last - started) * 1000, bytes: bytes / count, clientCpu: (user + system) / 1000 / count, latencies }
}

/** The value below which a share of the latencies lies, from all of them: the nearest rank. */
export function percentile (values, share) {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}

export const median = (values) => percentile(values, 0.5)
