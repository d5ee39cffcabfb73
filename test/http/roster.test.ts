import fc from 'fast-check'
import t from 'tap'
import { Roster, type Listed } from '../../src/http/roster.ts'

t.test('those who were added and have not gone, each once, whatever the order', async (t) => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(9)), { maxLength: 60 }), (steps) => {
    const members: Listed[] = Array.from({ length: 10 }, () => ({}))
    const [roster, wanted] = [new Roster<Listed>(), new Set<Listed>()]
    for (const [comes, n] of steps) {
      const member = members[n]
      if (comes && !wanted.has(member)) roster.add(member)
      if (!comes) roster.delete(member)
      if (comes) wanted.add(member)
      else wanted.delete(member)
      const all = roster.all()
      if (all.length !== wanted.size || !all.every((one) => wanted.has(one)) || new Set(all).size !== all.length) throw new Error(`${all.length} for ${wanted.size}`)
    }
  }))
  t.pass('as a set')
})

t.test('who goes while all are gone through is still told of; one of another roster stays where it is', async (t) => {
  const [one, two]: Listed[] = [{}, {}]
  const [roster, other] = [new Roster<Listed>(), new Roster<Listed>()]
  roster.add(one)
  roster.add(two)
  const seen = []
  for (const member of roster.all()) {
    roster.delete(one)
    roster.delete(two)
    seen.push(member)
  }
  t.same(seen.length, 2)
  t.same(roster.all(), [])
  other.add(one)
  roster.delete(one)
  t.equal(other.all()[0], one)
})
