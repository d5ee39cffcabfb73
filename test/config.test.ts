import { availableParallelism } from 'node:os'
import t from 'tap'
import { defaults, help, readCommand, SettingsError, type Serve } from '../src/config.ts'

const serve = (args: string[], env: Record<string, string> = {}): Serve => readCommand(args, env) as Serve
const refusal = (args: string[], env: Record<string, string> = {}): string => {
  try {
    readCommand(args, env)
  } catch (error) {
    if (error instanceof SettingsError) return error.message
    throw error
  }
  throw new Error('not refused')
}

t.test('nothing set', async (t) => {
  t.match(serve([]), { run: 'serve', folder: './models', files: [] })
  t.same(serve([]).settings, defaults())
  t.match(defaults(), { HOST: '127.0.0.1', PORT: 8080, MODELS_DIR: './models', LOG_LEVEL: 'info', ENGINE: 'auto', WORKERS: Math.min(8, availableParallelism()) })
  t.notOk('API_TOKEN' in defaults(), 'no token, no guard')
})

t.test('environment and flags', async (t) => {
  const env = { PORT: '9000', MODELS_DIR: '/m', API_TOKEN: 'secret', OTHER: 'x' }
  t.match(serve([], env).settings, { PORT: 9000, MODELS_DIR: '/m', API_TOKEN: 'secret' })
  t.notOk('OTHER' in serve([], env).settings)
  t.match(serve(['--port', '9001', '--models-dir=/n'], env), { settings: { PORT: 9001, API_TOKEN: 'secret' }, folder: '/n' }, 'a flag wins')
  t.equal(serve([], { PORT: '', API_TOKEN: '' }).settings.PORT, 8080, 'an empty variable is an unset one')
  t.notOk('API_TOKEN' in serve([], { API_TOKEN: '' }).settings, 'an empty token is none')
})

t.test('model files take the place of the folder, unless it is named', async (t) => {
  t.match(serve(['a.h5', 'b.keras']), { folder: null, files: ['a.h5', 'b.keras'] })
  t.match(serve(['--models-dir', '/m', 'a.h5']), { folder: '/m', files: ['a.h5'] })
})

t.test('what cannot be is refused by name, with what can', async (t) => {
  t.equal(refusal([], { PORT: 'http' }), 'PORT must be a whole number from 0 to 65535, not "http".')
  t.equal(refusal(['--port', '70000']), 'PORT must be a whole number from 0 to 65535, not "70000".')
  t.equal(refusal(['--workers', '1.5']), 'WORKERS must be a whole number from 1 to 64, not "1.5".')
  t.equal(refusal([], { ENGINE: 'cuda' }), 'ENGINE must be one of auto, native, onnx, tfjs, wasm, not "cuda".')
  t.equal(refusal([], { BODY_LIMIT_MB: '0' }), 'BODY_LIMIT_MB must be a number above 0 to 500, not "0".')
  t.equal(refusal([], { ALLOW_NON_FINITE: 'perhaps' }), 'ALLOW_NON_FINITE must be true or false, not "perhaps".')
  t.equal(refusal([], { IMPORT_MEMORY_MB: '12' }), 'IMPORT_MEMORY_MB must be a whole number from 256 to 1000000, not "12".')
  t.match(refusal(['--prot', '9000']), /^There is no flag --prot\. The flags are --host, --port, /)
  t.match(refusal(['--port']), /--port/)
})

t.test('help names every setting as flag and as variable', async (t) => {
  t.same(readCommand(['--help'], {}), { run: 'help' })
  t.same(readCommand(['-h'], {}), { run: 'help' })
  t.same(readCommand(['--openapi'], { PORT: 'not looked at' }), { run: 'openapi' })
  for (const name of [...Object.keys(defaults()), 'API_TOKEN', 'ADMIN_TOKEN', 'CORS_ORIGIN']) {
    t.ok(help().includes(name), name)
    t.ok(help().includes(`--${name.toLowerCase().replaceAll('_', '-')}`), `flag of ${name}`)
  }
})
