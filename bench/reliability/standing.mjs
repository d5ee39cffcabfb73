// What holds after every row of the table of faults: the service lives, answers quickly, gives the bits it gave before, and keeps nothing.

import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'

/**
 * Looks at a running service now; `check` says later what does not hold any more, in words (nothing where all does). `headers` are sent along
 * (a token). Tensors are asked for in /metrics, the golden prediction of the sample model `weather`.
 */
export async function standing (url, { headers = {}, folders = [tmpdir()] } = {}) {
  const sample = await (await fetch(`${url}/models/weather/sample`, { headers })).json()
  const predict = async () => {
    const response = await fetch(`${url}/predict`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'weather', inputs: sample.inputs, raw: sample.raw }) })
    const { outputs } = await response.json()
    return `${response.status} ${JSON.stringify(outputs)}`
  }
  const tensors = async () => /^statescope_tensors (\d+)/m.exec(await (await fetch(`${url}/metrics`, { headers })).text())?.[1]
  const files = () => folders.flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`))
  const golden = await predict()
  const before = { tensors: await tensors(), files: new Set(files()) }
  return {
    async check () {
      const broken = []
      const waits = []
      for (let n = 0; n < 3; n++) {
        const start = performance.now()
        const { status } = await fetch(`${url}/health/live`, { headers })
        waits.push(performance.now() - start)
        if (status !== 200) broken.push(`/health/live answers ${status}`)
      }
      // The machine may be busy with something else once.
      if (Math.min(...waits) > 100) broken.push(`/health/live answers after ${Math.round(Math.min(...waits))} ms`)
      if (await predict() !== golden) broken.push('the golden prediction is another')
      const now = await tensors()
      if (now !== before.tensors) broken.push(`${now} tensors where there were ${before.tensors}`)
      const left = files().filter((name) => /statescope|staging/.test(name) && !before.files.has(name))
      if (left.length > 0) broken.push(`files are left: ${left.join(', ')}`)
      return broken
    }
  }
}
