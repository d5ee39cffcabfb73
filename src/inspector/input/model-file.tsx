import { useState } from 'preact/hooks'
import { ask } from '../api/call.ts'
import { adminToken, idOf, upload } from '../api/upload.ts'
import type { ModelLine } from '../api/wire.ts'
import { models, uploads } from '../state/model.ts'
import { go } from '../state/url.ts'

/** A model that was given to the page: opened by the service where it takes uploads, else how to start it with that file. */
export function ModelFile ({ name, file }: { name: string, file: File | null }) {
  const quoted = /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
  return (
    <div class='said' role='status'>
      <p><strong>{name}</strong> is a model, not inputs for one.</p>
      {name.endsWith('.json')
        ? <p>Put it with its weights into a folder, and start the service on the folder above that one: <code>MODELS_DIR=FOLDER npm start</code></p>
        : uploads.value && file !== null
          ? <Upload key={name} file={file} />
          : <p>Start the service with it: <code>npm start -- {quoted}</code>, or put it into the folder of models that the service serves. (A service that has an ADMIN_TOKEN takes it from here.)</p>}
    </div>
  )
}

/** Uploads a file as the next version of a model, and opens that. */
function Upload ({ file }: { file: File }) {
  const [id, setId] = useState(idOf(file.name))
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    setProblem('')
    try {
      const list = async (): Promise<readonly ModelLine[]> => (await ask<{ models: ModelLine[] }>({ method: 'GET', path: 'models' })).models
      const version = Math.max(0, ...(await list()).filter((line) => line.id === id).map((line) => line.version)) + 1
      await upload(id, version, file)
      models.value = await list()
      go({ model: id, version, raw: null, sequence: null, layer: null, tensor: null, unit: null }, true, '')
    } catch (error) {
      setProblem((error as Error).message)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form class='token' onSubmit={send}>
      <label>Upload it as the model{' '}
        <input value={id} required pattern='[A-Za-z0-9][A-Za-z0-9._\-]{0,127}' onInput={(event) => setId(event.currentTarget.value)} />
      </label>
      <label><code>ADMIN_TOKEN</code> of the service <input type='password' autocomplete='off' required value={adminToken.value} onInput={(event) => { adminToken.value = event.currentTarget.value }} /></label>
      <button type='submit' disabled={busy}>{busy ? 'The service reads it' : 'Upload and open'}</button>
      {problem === '' ? null : <p class='error' role='alert'>{problem}</p>}
    </form>
  )
}
