import t from 'tap'
import { classOf } from '../../src/registry/classes.ts'

// Entries as Keras 2.15 and 3.15 write them.

t.test('a class of the user, named like one of Keras', async (t) => {
  const scripted = { module: null, class_name: 'LSTM', registered_name: 'LSTM', name: 'fake', config: {} }
  t.throws(() => classOf(scripted, 'fake'), { code: 'unsupported_layer', message: /layer "fake" \(LSTM\).*somebody's own/ }, 'from a script')
  t.throws(() => classOf({ ...scripted, module: 'layers_of_mine' }, 'fake'), { code: 'unsupported_layer' }, 'from a module')
  t.throws(() => classOf({ ...scripted, module: 'layers_of_mine', registered_name: 'mine>LSTM' }, 'fake'), { code: 'unsupported_layer' }, 'registered')
})

t.test("Keras' own", async (t) => {
  const entries = [
    { class_name: 'LSTM', config: {} },
    { module: 'keras.layers', class_name: 'LSTM', config: {}, registered_name: null },
    { module: 'tf_keras.layers', class_name: 'LSTM', config: {}, registered_name: null },
    { module: 'keras.src.models.functional', class_name: 'Functional', config: {}, registered_name: 'Functional' }
  ]
  for (const entry of entries) t.equal(classOf(entry, 'a').className, entry.class_name)
})
