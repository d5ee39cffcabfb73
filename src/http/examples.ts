/** Requests of the sample models, ready to try in /docs. A test sends each of them. */

const days = [[0, 25.6, 16.1, 3.1], [0, 27.8, 16.1, 3.3], [0, 26.1, 14.4, 3.2], [0, 26.1, 15, 2.8], [0, 27.8, 13.9, 3.3], [0, 33.3, 17.8, 3.4], [0, 35, 17.2, 3.3]]

const predict = {
  weather: { summary: 'The next day from seven days of Seattle\'s weather, in its own units', value: { model: 'weather', inputs: [days], raw: true } },
  nextchar: { summary: 'The next letter after "the" and after "Con"', value: { model: 'nextchar', inputs: { text: ['the', 'Con'] } } },
  chars: { summary: 'The next character of a text', value: { model: 'chars', inputs: { text: ['In the beginning was the Wo'] } } }
}

const hiddenStates = {
  nextchar: { summary: 'Hidden states, cell states and gates at each of three steps', value: predict.nextchar.value },
  weather: { summary: 'The forget gate and its kin at the last step, and the prediction', value: { ...predict.weather.value, tensors: 'gates', steps: 'last', outputs: true } },
  summary: { summary: 'How each gate of each unit behaves over all days, in place of the states', value: { ...predict.weather.value, summary: { low: 0.1, high: 0.9 } } },
  'what-if': { summary: 'What if it could not forget: the forecast with the forget gate held open, beside the forecast', value: { ...predict.weather.value, steps: 'last', intervene: [{ layer: 'lstm', gate: 'forget', value: 1 }] } },
  chars: { summary: 'Every second of the last ten steps of one layer', value: { ...predict.chars.value, layers: 'lstm', tensors: ['hidden', 'cell'], steps: { from: -10, every: 2 } } }
}

const relevance = {
  weather: { summary: 'What tomorrow\'s highest temperature takes from each of the last five days, in degrees', value: { ...predict.weather.value, output: 'temp_max', methods: ['shapley', 'insertion', 'memory'] } },
  nextchar: { summary: 'What a space after "the" takes from each letter', value: { model: 'nextchar', inputs: { text: 'the' }, output: ' ', of: 'logit' } },
  chars: { summary: 'The same over the last ten of forty characters', value: { ...predict.chars.value, output: 'r', methods: ['insertion', 'occlusion'], window: 10 } }
}

const texts = ['and god said, let there be light: and th', 'in the beginning god created the heaven ']
const search = {
  span: { summary: 'Where else the units are on that are on at the end of "and"', value: { model: 'chars', inputs: { text: texts }, select: { sequence: 0, from: 1, to: 3 }, limit: 10 } },
  units: { summary: 'Where two units are on', value: { model: 'chars', inputs: { text: texts }, select: { units: [46, 60] } } },
  gate: { summary: 'Where a unit keeps its memory', value: { model: 'weather', inputs: [days], raw: true, select: { tensor: 'gates/forget', units: [0], threshold: 0.7 } } }
}

const generate = {
  likeliest: { summary: 'The likeliest character each time, with the three likeliest', value: { model: 'chars', prompt: 'And God said, ', length: 20, temperature: 0, probabilities: 3 } },
  seeded: { summary: 'Drawn from the ten likeliest, the same each time', value: { model: 'chars', prompt: 'And God said, ', length: 80, temperature: 0.6, topK: 10, seed: 1 } },
  states: { summary: 'With the states of two units at each character', value: { model: 'nextchar', prompt: 'the ', length: 10, temperature: 0, states: { lstm: [0, 1] } } }
}

/** By name, as OpenAPI's `examples` of a media type. */
export const examples = (route: 'predict' | 'hidden-states' | 'relevance' | 'search' | 'generate') => ({ predict, 'hidden-states': hiddenStates, relevance, search, generate })[route]
