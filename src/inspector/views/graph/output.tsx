import type { Call } from '../../api/call.ts'
import { askTensors } from '../../api/tensors.ts'
import { useAsk } from '../../api/use-ask.ts'
import type { ModelAnswer } from '../../api/wire.ts'
import { TensorFigure } from '../../parts/tensor-figure.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { bodyOf, type Given } from '../../state/model.ts'

/** What a call of a layer gives for the given inputs. */
export function Output ({ model, given, of }: { model: ModelAnswer, given: Given, of: string }) {
  const call: Call = { method: 'POST', path: 'hidden-states', body: { ...bodyOf(model, given), layers: [of], tensors: ['output'] } }
  const asked = useAsk(JSON.stringify(call), (signal) => askTensors(call, signal))
  const outputs = [...asked.answer?.tensors ?? []].filter(([name]) => name.startsWith(`${of}/output`))
  return (
    <>
      <Waiting of={asked} what={`Asking what ${of} gives`} />
      {outputs.map(([name, tensor]) => <TensorFigure key={name} name={name} title={name} note="as Keras' own get_layer(name).output gives it." tensor={tensor} call={call} />)}
    </>
  )
}
