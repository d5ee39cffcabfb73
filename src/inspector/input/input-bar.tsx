import { useEffect } from 'preact/hooks'
import { ask } from '../api/call.ts'
import { useAsk } from '../api/use-ask.ts'
import type { Inputs, ModelAnswer } from '../api/wire.ts'
import { Waiting } from '../parts/waiting.tsx'
import { given } from '../state/model.ts'

/** Where the model's inputs come from. */
export function InputBar ({ model }: { model: ModelAnswer }) {
  const path = `models/${encodeURIComponent(model.id)}/sample?version=${model.version}`
  const sample = useAsk(path, (signal) => ask<{ inputs: Inputs, raw?: boolean }>({ method: 'GET', path }, signal))
  useEffect(() => {
    if (sample.answer !== null) given.value = { inputs: sample.answer.inputs, raw: sample.answer.raw === true, name: 'its sample', source: 'sample' }
  }, [sample.answer])
  return (
    <div class='inputs'>
      <Waiting of={sample} what='Reading the sample' />
      {given.value === null ? null : <p>Inputs: {given.value.name}</p>}
    </div>
  )
}
