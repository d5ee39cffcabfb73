import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { faults } from '../../src/errors.ts'
import { call, inProject, serve } from '../http/support.ts'

const read = (path: string): string => readFileSync(inProject(path), 'utf8')
const alerts = (parse(read('deploy/alerts.yml')) as { groups: { rules: { alert: string, expr: string, labels: { severity: string }, annotations: { summary: string, runbook: string } }[] }[] }).groups.flatMap(({ rules }) => rules)
const panels = (JSON.parse(read('deploy/grafana/statescope.json')) as { panels: { title: string, targets: { expr: string }[] }[] }).panels
const runbook = read('docs/runbook.md')

const { url } = await serve(t, inProject('models'))
await call(`${url}/predict`, { model: 'nextchar', inputs: { text: ['the'] } })
await call(`${url}/nowhere`)
// What is counted only when it happens has its name and its labels in the help.
const text = (await call<string>(`${url}/metrics`)).body
const kinds = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => [name, kind]))
const labels = new Map<string, Set<string>>()
for (const [, name, inside = ''] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
  const known = labels.get(name) ?? new Set()
  for (const [, label] of inside.matchAll(/([a-z_]+)="/g)) known.add(label)
  labels.set(name, known)
}

/** What Prometheus adds to what it reads. */
const added = ['instance', 'job']

/** Why an expression cannot work; empty where it can. */
function wrongIn (expr: string): string[] {
  const wrong: string[] = []
  for (const [, name, inside = ''] of expr.matchAll(/\b((?:statescope|process|nodejs)_[a-z0-9_]+)(?:\{(.*?)\})?/g)) {
    const histogram = name.replace(/_(bucket|sum|count)$/, '')
    if (!kinds.has(name) && kinds.get(histogram) !== 'histogram') wrong.push(`there is no ${name}`)
    if (kinds.get(name) === 'histogram') wrong.push(`${name} is a histogram`)
    for (const [, label, value] of inside.matchAll(/([a-z_]+)=~?"(.*?)"/g)) {
      if (!added.includes(label) && labels.get(name)?.has(label) !== true) wrong.push(`${name} has no label ${label}`)
      if (label === 'code') for (const code of value.split('|')) if (!Object.hasOwn(faults, code)) wrong.push(`there is no code ${code}`)
      if (label === 'state' && !text.includes(`statescope_workers{state="${value}"}`)) wrong.push(`there is no state ${value}`)
      if (name === 'statescope_models') for (const status of value.split('|')) if (!text.includes(`statescope_models{status="${status}"}`)) wrong.push(`there is no status ${status}`)
    }
  }
  return wrong
}

t.test('each metric, label and value of the alerts and of the dashboard is one that the service gives', async (t) => {
  t.ok(alerts.length >= 10 && panels.length >= 12)
  for (const { alert, expr } of alerts) t.same(wrongIn(expr), [], alert)
  for (const { title, targets } of panels) for (const { expr } of targets) t.same(wrongIn(expr), [], title)
  for (const { title, targets } of panels) t.ok(targets.every(({ expr }) => /statescope_|process_|nodejs_/.test(expr)), title)
  t.same(wrongIn('sum by (x) (rate(statescope_no_such_total[5m])) + statescope_workers{state="dead", kind="x"} + statescope_problems_total{code=~"internal|none"} + statescope_queue_seconds'), [
    'there is no statescope_no_such_total', 'there is no state dead', 'statescope_workers has no label kind', 'there is no code none', 'statescope_queue_seconds is a histogram'
  ], 'and what does not exist is found')
})

t.test('every metric of the service is on the dashboard or in an alert, or is named here', async (t) => {
  const used = [...alerts.map(({ expr }) => expr), ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))].join('\n')
  const unused = [...kinds.keys()].filter((name) => name.startsWith('statescope_') && !used.includes(name))
  t.same(unused.sort(), ['statescope_info', 'statescope_model_ready'])
})

t.test('each alert says what to do: its part of the runbook is there', async (t) => {
  const anchors = [...runbook.matchAll(/^## (.+)$/gm)].map(([, title]) => title.toLowerCase().replaceAll(/[^a-z0-9 -]/g, '').replaceAll(' ', '-'))
  for (const { alert, labels: { severity }, annotations: { summary, runbook } } of alerts) {
    const [file, anchor] = runbook.split('#')
    t.equal(file, 'docs/runbook.md')
    t.ok(anchors.includes(anchor), `${alert}: ${anchor}`)
    t.match(severity, /^(page|ticket)$/)
    t.match(summary, /\.$/)
  }
  t.same(anchors.filter((anchor) => !alerts.some(({ annotations }) => annotations.runbook.endsWith(`#${anchor}`))), ['before-an-update'])
  for (const [, anchor] of runbook.matchAll(/\]\(#([^)]+)\)/g)) t.ok(anchors.includes(anchor), anchor)
  for (const [, name] of runbook.matchAll(/`((?:statescope|process|nodejs)_[a-z0-9_]+)/g)) t.same(wrongIn(`${name}${kinds.get(name) === 'histogram' ? '_sum' : ''}`), [])
  const settings = read('src/config.ts')
  for (const [, name] of runbook.matchAll(/`([A-Z]+(?:_[A-Z]+)*)(?:=\w+)?`/g)) t.ok(settings.includes(`  ${name}:`), `${name} is a setting`)
})

t.test('the container has no rights that it does not need, and bases that do not move', async (t) => {
  const { services, configs } = parse(read('docker-compose.yml')) as { services: Record<string, Record<string, any>>, configs: Record<string, unknown> }
  const { statescope, ...others } = services
  t.match(statescope, { user: 'node', read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
  // Uploads have to be asked for.
  for (const volume of statescope.volumes) t.match(volume, /:(ro|\$\{MODELS_MODE:-ro\})$/)
  t.notOk('profiles' in statescope)
  for (const [name, service] of Object.entries(others)) {
    t.match(service, { profiles: ['watch'], cap_drop: ['ALL'] }, `${name} comes only when asked for`)
    t.match(service.image, /:v?\d+\.\d+\.\d+$/, 'a tag of one version')
    for (const volume of service.volumes as string[]) {
      const [from] = volume.split(':')
      if (from.startsWith('./')) t.ok(read(from.slice(2)).length > 0, from)
    }
  }
  // An open port of the host is for this machine alone.
  for (const { ports } of Object.values(services)) for (const port of ports as string[]) t.match(port, /^127\.0\.0\.1:/)
  const { scrape_configs: [scrape], rule_files: rules } = parse(read('deploy/prometheus.yml')) as { scrape_configs: { authorization: { credentials_file: string }, static_configs: { targets: string[] }[] }[], rule_files: string[] }
  t.match(others.prometheus.configs, [{ source: Object.keys(configs)[0], target: `/etc/prometheus/${scrape.authorization.credentials_file}` }])
  t.ok((others.prometheus.volumes as string[]).some((volume) => volume.includes(`:/etc/prometheus/${rules[0]}:`)))
  t.same(scrape.static_configs[0].targets, ['statescope:8080'])
  const dockerfile = read('Dockerfile')
  t.match(dockerfile, /^ARG NODE_IMAGE=node:\d+\.\d+\.\d+-bookworm-slim(@sha256:[0-9a-f]{64})?$/m)
  const final = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  t.match(final, /^USER node$/m)
  t.notMatch(final.slice(final.indexOf('\nUSER ')), /^(RUN|COPY|ADD) /m, 'nothing is written after the rights are gone')
  t.notMatch(dockerfile, /TOKEN|SECRET|PASSWORD/, 'no secret is built in')
})
