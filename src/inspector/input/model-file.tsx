/** A model that was given to the page: how to open it. */
export function ModelFile ({ name }: { name: string }) {
  const quoted = /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`
  return (
    <div class='said' role='status'>
      <p><strong>{name}</strong> is a model, not inputs for one.</p>
      {name.endsWith('.json')
        ? <p>Put it with its weights into a folder, and start the service on the folder above that one: <code>MODELS_DIR=FOLDER npm start</code></p>
        : <p>Start the service with it: <code>npm start -- {quoted}</code>, or put it into the folder of models that the service serves.</p>}
    </div>
  )
}
