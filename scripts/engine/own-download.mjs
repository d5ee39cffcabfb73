// tfjs-node's own install script: libtensorflow and a ready-made addon from tfjs-node's download host.

import http from 'node:http'
import https from 'node:https'
import { cp, mkdir, readdir, realpath, rename } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { addonFile, librariesFolder } from './names.mjs'
import { place } from './place.mjs'
import { run } from './run.mjs'

const probeSeconds = 4

/** The host that tfjs-node's package.json names, or the mirror that tfjs-node's own settings give instead. */
function hostOf ({ packageJson }, env) {
  const mirror = env.TFJS_NODE_CDN_STORAGE || env.npm_config_TFJS_NODE_CDN_STORAGE || env.CDN_STORAGE
  return new URL(mirror || packageJson.binary.host)
}

/** Throws, with the reason, when the download host does not answer soon or does not let this machine in. */
export async function probeHost (tfjsNode, env = process.env) {
  const url = hostOf(tfjsNode, env)
  const status = await answer(url, env).catch(error => {
    throw new Error(`tfjs-node's download host ${url.host} is not reachable: ${error.code ?? error.message}`)
  })
  // Any other answer will do: a storage host has nothing to show at the address that all its files start with.
  if ([401, 403, 407, 451].includes(status) || status >= 500) {
    throw new Error(`tfjs-node's download host ${url.host} does not let this machine in: HTTP ${status}`)
  }
}

// The HTTP status of the host, or of the proxy that tfjs-node's script would ask (it looks at these variables) for a way to it.
function answer (url, env) {
  const proxy = env.HTTPS_PROXY || env.https_proxy || env.HTTP_PROXY || env.http_proxy
  const [target, options] = proxy
    ? [new URL(proxy), { method: 'CONNECT', path: `${url.hostname}:${url.port || (url.protocol === 'http:' ? 80 : 443)}` }]
    : [url, { method: 'HEAD' }]
  const request = (target.protocol === 'https:' ? https : http).request(target, { ...options, agent: false })
  const late = setTimeout(() => request.destroy(new Error(`no answer in ${probeSeconds} s`)), probeSeconds * 1000)
  return new Promise((resolve, reject) => {
    request.once('response', response => resolve(response.statusCode))
    request.once('connect', response => resolve(response.statusCode))
    request.once('error', reject)
    request.end()
  }).finally(() => {
    clearTimeout(late)
    request.destroy()
  })
}

/**
 * Fills `folder` with `deps/lib` and the addon by running tfjs-node's install script in a copy of its package,
 * so that an interrupted run leaves node_modules as it was.
 */
export async function downloadOwn (tfjsNode, folder, env = process.env) {
  const copy = join(folder, '.work', 'tfjs-node')
  await mkdir(copy, { recursive: true })
  for (const name of ['package.json', 'binding.gyp', 'binding', 'scripts']) {
    await cp(join(tfjsNode.folder, name), join(copy, name), { recursive: true })
  }
  const modules = dirname(dirname(tfjsNode.folder))
  await run(process.execPath, ['scripts/install.js', 'cpu', 'download'], {
    cwd: copy,
    env: {
      ...env,
      NODE_PATH: [join(tfjsNode.folder, 'node_modules'), modules].join(delimiter),
      PATH: [join(modules, '.bin'), env.PATH].join(delimiter)
    },
    seconds: 1200
  })
  await takeLibraries(join(copy, librariesFolder), join(folder, librariesFolder))
  const addon = join(folder, addonFile(tfjsNode.napi))
  await mkdir(dirname(addon), { recursive: true })
  await rename(join(copy, addonFile(tfjsNode.napi)), addon).catch(() => {
    throw new Error("tfjs-node's install script ended without an addon")
  })
}

// The archive has each library once and links to it under its shorter names: all become names of one file.
async function takeLibraries (from, to) {
  await mkdir(to, { recursive: true })
  const names = await readdir(from).catch(() => [])
  if (names.length === 0) throw new Error("tfjs-node's install script ended without a library")
  for (const name of names) await place(await realpath(join(from, name)), join(to, name))
}
