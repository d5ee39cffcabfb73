import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { script } from './clone.ts'

const { unpack } = await script('engine/wheel.mjs')
const libraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'libomp-1.so.5']

t.test('of a wheel only the libraries and the needed headers are unpacked', async t => {
  const folder = t.testdir()
  const file = join(folder, 'some.whl')
  writeFileSync(file, zip({
    'tensorflow/libtensorflow_cc.so.2': 'cc',
    'tensorflow/libtensorflow_framework.so.2': 'framework',
    'tensorflow_cpu.libs/libomp-1.so.5': 'omp',
    'tensorflow_cpu.libs/libother.so': 'other',
    'tensorflow/python/run.py': 'print()',
    'tensorflow/include/tensorflow/c/c_api.h': 'c_api',
    'tensorflow/include/tensorflow/core/platform/ctstring.h': 'ctstring',
    'tensorflow/include/tsl/platform/tstring.h': 'tstring',
    'tensorflow/include/Eigen/Core': 'Eigen',
    'elsewhere/tensorflow/libtensorflow_cc.so.2': 'another'
  }))
  await unpack(file, join(folder, 'out'), libraries)
  const found = readdirSync(join(folder, 'out'), { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(join(folder, 'out').length + 1)).sort()
  t.same(found, [
    'include/tensorflow/c/c_api.h', 'include/tensorflow/core/platform/ctstring.h', 'include/tsl/platform/tstring.h',
    'lib/libomp-1.so.5', 'lib/libtensorflow_cc.so.2', 'lib/libtensorflow_framework.so.2'
  ])
  t.equal(readFileSync(join(folder, 'out/lib/libtensorflow_cc.so.2'), 'utf8'), 'cc')
})

t.test('a wheel without the libraries, a member that would leave the folder, and no zip at all are refused', async t => {
  const folder = t.testdir()
  const file = join(folder, 'some.whl')
  const refuse = async (bytes: Uint8Array, message: RegExp): Promise<void> => {
    writeFileSync(file, bytes)
    await t.rejects(unpack(file, join(folder, 'out'), libraries), { message })
  }
  await refuse(zip({ 'tensorflow/libtensorflow_cc.so.2': 'cc' }), /holds no libtensorflow_framework\.so\.2, libomp-1\.so\.5/)
  await refuse(zip({ 'tensorflow/include/tsl/../../../../escaped.h': 'x' }), /invalid relative path/)
  await refuse(Buffer.from('not a zip'), /zip|signature/i)
})

/** A zip file of stored members. */
function zip (members: Readonly<Record<string, string>>): Uint8Array {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, text] of Object.entries(members)) {
    const data = Buffer.from(text)
    const about = Buffer.alloc(26)
    about.writeUInt16LE(20, 0) // the version needed to read it; flags, method (stored) and time are 0
    about.writeUInt32LE(crc32(data), 10)
    about.writeUInt32LE(data.length, 14)
    about.writeUInt32LE(data.length, 18)
    about.writeUInt16LE(Buffer.byteLength(name), 22)
    parts.push(Buffer.from('PK\x03\x04'), about, Buffer.from(name), data)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), about, rest, Buffer.from(name))
    offset += 30 + Buffer.byteLength(name) + data.length
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  const count = Object.keys(members).length
  const end = Buffer.alloc(18)
  end.writeUInt16LE(count, 4)
  end.writeUInt16LE(count, 6)
  end.writeUInt32LE(size, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), end])
}
