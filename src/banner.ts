import { about } from './http/about.ts'
import { printable } from './http/log.ts'
import type { EngineInfo } from './pool/protocol.ts'
import type { Server } from './server.ts'

/** What whoever starts the service reads first: where it is, what computes, which models there are, and a line to try. */
export function banner ({ url, service: { registry, pool: { engine } } }: Pick<Server, 'url' | 'service'>): string {
  const models = registry.list()
  const width = Math.max(0, ...models.map(({ id }) => id.length))
  const lines = [
    `statescope ${about.version}  ${url}`,
    `docs        ${url}/docs`,
    `engine      ${engineLine(engine)}`,
    ...engine.warning === undefined ? [] : loud(engine.name, engine.warning),
    models.length === 0 ? 'models      none' : 'models',
    ...models.map(({ id, version, status, reason }) => printable(`  ${id.padEnd(width)}  version ${version}  ${status}${reason === undefined ? '' : `: ${reason}`}`))
  ]
  const first = models.find(({ status }) => status === 'ready')
  if (first !== undefined) {
    lines.push('try', `  curl -s ${url}/models/${first.id}/sample | curl -s ${url}/hidden-states -H 'Content-Type: application/json' -d @-`)
  }
  return `${lines.join('\n')}\n`
}

function engineLine ({ name, version, onnx, reference, tensorflow }: EngineInfo): string {
  const checks = `${reference.name} ${reference.version}, ${tensorflow === null ? 'WebAssembly: no TensorFlow' : `TensorFlow ${tensorflow}`}`
  if (name === 'native') return `native (compiled plans, ${version}${onnx === undefined ? '' : `; others on onnxruntime ${onnx}`}), checked against ${checks}`
  return name === 'onnx' ? `onnx (compiled plans on onnxruntime ${version}), checked against ${checks}` : checks
}

/** A slower engine than could be must not go unseen. */
function loud (name: EngineInfo['name'], warning: string): string[] {
  const rule = '!'.repeat(80)
  const lines = [
    name === 'onnx' || name === 'native'
      ? 'No TensorFlow: WebAssembly checks the compiled plans, and computes what does not compile, more slowly. Why:'
      : 'No TensorFlow: WebAssembly computes here, more slowly. Why:',
    ...warning.split('\n').map((line) => `  ${line}`),
    'The numbers are checked all the same. With ENGINE=tfjs the service refuses to start instead.'
  ]
  return [rule, ...lines.map((line) => `!! ${line}`), rule]
}
