// Eight clients whose sequences differ in length, all at once.

import { names } from '../http/asks.mjs'
import { columns, contenders, measure, roundsOf, rowsOf } from '../http/compare.mjs'
import { defaults, line, withServers } from '../http/scenario.mjs'

export const title = 'Mixed lengths'

const lengths = [10, 20, 30, 40, 55, 70, 85, 100]
const asks = [['predict', ['rival1', 'rival2', 'rival2cores']], ['gates', ['rival2', 'rival2cores']]]
const linesOf = ([what, rivals]) => lengths.map((steps) => line({ what, steps, rivals, model: 'lstm', batch: 1, named: `${names[what]}, 10 to 100 steps` }))

export async function run (options) {
  const { rounds, seconds } = { ...defaults, ...options }
  const rows = []
  await withServers(asks.flatMap(linesOf), async (servers) => {
    for (const ask of asks) {
      const lines = linesOf(ask)
      const asked = []
      for (const line of lines) asked.push((await contenders(line, servers)).all)
      const all = asked[0].filter(({ key }) => asked.every((each) => each.some((one) => one.key === key)))
      for (const one of all) one.difference = Math.max(...asked.map((each) => each.find(({ key }) => key === one.key).difference))
      await measure(all, { rounds, seconds }, ({ key }) => asked.map((each) => each.find((one) => one.key === key).request))
      rows.push(...rowsOf(lines[0], all))
    }
  })
  return {
    title,
    notes: [
      'LSTM of 128 units, 60 features. Each of eight clients has its own length (10, 20, 30, 40, 55, 70, 85, 100 steps); what a server computes together, and what it does not, is its own affair.',
      roundsOf({ rounds, seconds })
    ],
    columns,
    rows
  }
}
