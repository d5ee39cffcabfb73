// The process that kill.mjs kills: it stores and removes versions with the service's own store, and says what it is doing. Nothing else of the service is loaded, so that it is there quickly.

import { join } from 'node:path'
import { Store } from '../../dist/src/store/store.js'

const size = 2 ** 20

/** Bytes that tell the version that they are of. */
export const contentOf = (version) => Buffer.concat([Buffer.from('PK'), Buffer.alloc(size, `version ${version} `)])

async function storeVersions (folder, from, to) {
  const store = new Store(folder)
  await store.clear()
  for (let version = from; version < to; version++) {
    const bytes = contentOf(version)
    process.send({ at: 'writing', version })
    const staged = await store.begin()
    const received = await staged.writeModel((async function * () {
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
    })(), 2 * size)
    process.send({ at: 'committing', version })
    await store.commit(staged, 'rain', version, {
      digest: received.digest, files: { [received.name]: { size: received.size, digest: received.digest } }, format: 'keras', kerasVersion: null, notes: [], receipt: null, stored: new Date().toISOString()
    })
    // Whoever hears of this may count on it.
    process.send({ at: 'removing', stored: version })
    // Every version is replaced: removed again, with the next one there.
    if (version > from) {
      await store.remove(join(folder, 'rain', String(version - 1)))
      process.send({ at: 'between', removed: version - 1 })
    }
  }
}

if (process.argv[2] === 'wait') {
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ folder, from, to = Infinity }) => {
    await storeVersions(folder, from, to)
    process.disconnect()
  })
  process.send({ at: 'waiting' })
}
