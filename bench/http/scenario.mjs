// A scenario over HTTP: its servers are started together, each line is compared and timed, and they are stopped.

import { contenders, columns, measure, measureAgain, roundsOf, rowsOf, short, times } from './compare.mjs'
import { inputsOf, names, ourRequest, rivalRequest } from './asks.mjs'
import { checkSetUp, start } from './servers.mjs'

export const defaults = { rounds: 3, seconds: 1 }

/** Lines that say only what differs. */
export const line = (given) => ({ steps: 40, connections: 8, formats: ['json'], ceilings: [], rivals: [], tokens: false, ...given })

/** Runs `use` with the servers that the lines ask for, started on the models the lines ask for, whatever happens after. */
export async function withServers (lines, use) {
  checkSetUp()
  const models = [...new Set(lines.map(({ model }) => model))]
  const words = [...new Set(['ours', ...lines.flatMap(({ rivals }) => rivals), ...lines.some(({ ceilings }) => ceilings.length > 0) ? ['ceiling'] : []])]
  const ready = { ...lines[0], what: 'predict', format: 'json' }
  const inputs = inputsOf({ ...lines[0], batch: 1 })
  const request = (word) => word === 'ours'
    ? ourRequest(ready, inputs)
    : word === 'ceiling' ? { path: '/?bytes=1', headers: { 'content-type': 'text/plain' }, body: Buffer.from('x') } : rivalRequest(ready, inputs)
  const started = await Promise.allSettled(words.map(async (word) => await start(word, models, request(word))))
  const running = started.flatMap(({ status, value }) => status === 'fulfilled' ? [value] : [])
  try {
    const failed = started.find(({ status }) => status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return await use(Object.fromEntries(running.map((server) => [server.word, server])))
  } finally {
    await Promise.all(running.map(async (server) => await server.stop()))
  }
}

/**
 * What a scenario of lines exports as `run`. A wish is `{ what, batch, connections?, format, than, times }`: on that line the service in that format is to be
 * so many times as fast as that rival.
 */
export function overHttp ({ title, notes, lines, wishes = [] }) {
  return async (options) => {
    const { rounds, seconds } = { ...defaults, ...options }
    const [rows, targets, out] = [[], [], []]
    await withServers(lines, async (servers) => {
      for (const line of lines) {
        const { all, wrong } = await contenders(line, servers)
        out.push(...wrong)
        const requestsOf = ({ request }) => Array(line.connections).fill(request)
        await measure(all, { rounds, seconds }, requestsOf)
        const wished = wishes.filter((wish) => wish.what === line.what && wish.batch === line.batch && (wish.connections ?? 8) === line.connections)
        // The first rival is so slow that a few rounds tell.
        const close = wished.filter(({ than }) => than !== 'rival1').flatMap(({ format, than }) => [format, than, `${than}cores`])
        await measureAgain(all.filter(({ key }) => close.includes(key)), { rounds, seconds }, requestsOf)
        rows.push(...rowsOf(line, all))
        targets.push(...wished.map((wish) => told(wish, all)))
      }
    })
    return { title, notes: [...notes, ...out, roundsOf({ rounds, seconds }), ...wishes.length === 0 ? [] : [`What the targets speak of, and its rival: ${3 * rounds} more rounds of these alone, forwards and backwards; their ratios are of these rounds.`]], columns, rows, targets }
  }
}

function told ({ what, batch, format, than, times: wanted }, all) {
  const find = (key) => all.find((one) => one.key === key)
  const wish = { what: `${names[what]}, ${format === 'json' ? 'JSON' : 'binary'}, B=${batch}, beside rival ${than.slice(-1)}`, wanted: `${wanted}x` }
  if (find(than) === undefined) return { ...wish, got: 'its numbers are wrong', reached: false }
  const { median, least, most } = times(find(format), find(than))
  const cores = find(`${than}cores`)
  return {
    ...wish,
    got: `${short(median)}x (${short(least)} to ${short(most)})${cores === undefined ? '' : `; ${short(times(find(format), cores).median)}x where it has a process a core`}`,
    reached: median >= wanted
  }
}
