/** What a reader is told beside a line: by class, and by class and gate. */
export const explained: Readonly<Record<string, string>> = {
  'LSTM input': 'input: how much of g comes into c',
  'LSTM forget': 'forget: how much of c stays',
  'LSTM candidate': 'candidate: what is new',
  'LSTM output': 'output: how much of c shows in h',
  'GRU update': 'update: how much of h stays',
  'GRU reset': 'reset: how much of h the candidate hears',
  'GRU candidate': 'candidate: what is new',
  Dense: 'Dense, along the last axis',
  Activation: 'Activation, along the last axis'
}
