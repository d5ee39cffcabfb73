// Row 18: requests that two readers would read differently, a second one hidden in each. Needs `npm run build`.
//
//   node bench/reliability/smuggling.mjs [--times 20]

import { parseArgs } from 'node:util'
import { startProcess } from './process.mjs'
import { read, send } from './raw.mjs'
import { writeRow } from './rows.mjs'

const { values } = parseArgs({ options: { times: { type: 'string', default: '20' } } })
const service = await startProcess()

const head = (more, path = '/predict') => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${more}\r\n\r\n`
const hidden = 'GET /models HTTP/1.1\r\nHost: x\r\n\r\n'
const chunked = 'Transfer-Encoding: chunked'
/** What has to be refused: who takes one length, or one end of a line, finds `hidden`; who takes the other does not. */
const cases = {
  'a length and chunks': `${head(`Content-Length: 2\r\n${chunked}`)}0\r\n\r\n`,
  'chunks and a length': `${head(`${chunked}\r\nContent-Length: 2`)}0\r\n\r\n`,
  'a length of 0 and chunks': `${head(`Content-Length: 0\r\n${chunked}`)}0\r\n\r\n`,
  'two lengths': `${head('Content-Length: 2\r\nContent-Length: 3')}{}`,
  'one length twice': `${head('Content-Length: 2\r\nContent-Length: 2')}{}`,
  'a list of lengths': `${head('Content-Length: 2, 2')}{}`,
  'a list of other lengths': `${head('Content-Length: 2, 3')}{}`,
  'a length with a plus': `${head('Content-Length: +2')}{}`,
  'a length below zero': `${head('Content-Length: -2')}{}`,
  'a hexadecimal length': `${head('Content-Length: 0x2')}{}`,
  'a length with a point': `${head('Content-Length: 2.0')}{}`,
  'a length with a blank within': `${head('Content-Length: 1 0')}{}`,
  'a length beyond 64 bits': `${head('Content-Length: 18446744073709551618')}{}`,
  'a length that is empty': `${head('Content-Length:')}{}`,
  'chunks of another kind': `${head('Transfer-Encoding: xchunked')}0\r\n\r\n`,
  'a coding before chunks that nobody knows': `${head('Transfer-Encoding: identity')}0\r\n\r\n`,
  'a coding after chunks': `${head('Transfer-Encoding: chunked, identity')}0\r\n\r\n`,
  'chunks twice': `${head('Transfer-Encoding: chunked, chunked')}0\r\n\r\n`,
  'chunks in two headers': `${head(`${chunked}\r\n${chunked}`)}0\r\n\r\n`,
  'chunks with a tab and a length': `${head('Transfer-Encoding:\tchunked\r\nContent-Length: 2')}0\r\n\r\n`,
  'chunks in quotes': `${head('Transfer-Encoding: "chunked"')}0\r\n\r\n`,
  'a vertical tab before chunks': `${head('Transfer-Encoding: \x0bchunked')}0\r\n\r\n`,
  'a blank before the colon': `${head('Content-Length : 2')}{}`,
  'a blank before the colon of chunks': `${head('Transfer-Encoding : chunked')}0\r\n\r\n`,
  'a blank before the name': `${head('X: a\r\n Content-Length: 2')}{}`,
  'a tab before the name': `${head('X: a\r\n\tTransfer-Encoding: chunked')}0\r\n\r\n`,
  'a blank before the first name': 'POST /predict HTTP/1.1\r\n Host: x\r\nContent-Length: 2\r\n\r\n{}',
  'line feeds alone': 'POST /predict HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}',
  'one line feed alone': 'POST /predict HTTP/1.1\r\nHost: x\nContent-Length: 2\r\n\r\n{}',
  'a line feed within a value': `${head('X: a\nContent-Length: 2')}{}`,
  'a return alone': 'POST /predict HTTP/1.1\rHost: x\r\nContent-Length: 2\r\n\r\n{}',
  'a return within a value': `${head('X: a\rContent-Length: 2')}{}`,
  'an end of line feeds alone': 'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\n\n{}',
  'a zero byte in a value': `${head('X: a\0b\r\nContent-Length: 2')}{}`,
  'a zero byte in a name': `${head('Content-Length\0: 2')}{}`,
  'a chunk longer than it says': `${head(chunked)}1\r\n{}\r\n0\r\n\r\n`,
  'a chunk that says no number': `${head(chunked)}0x2\r\n{}\r\n0\r\n\r\n`,
  'a chunk below zero': `${head(chunked)}-2\r\n{}\r\n0\r\n\r\n`,
  'a chunk beyond 64 bits': `${head(chunked)}10000000000000002\r\n{}\r\n0\r\n\r\n`,
  'a chunk that ends in a line feed': `${head(chunked)}2\n{}\r\n0\r\n\r\n`,
  'a chunk whose data ends in a line feed': `${head(chunked)}2\r\n{}\n0\r\n\r\n`,
  'a chunk with a blank before its end': `${head(chunked)}2 \r\n{}\r\n0\r\n\r\n`,
  'a line feed in what a chunk says more': `${head(chunked)}2;a\nb\r\n{}\r\n0\r\n\r\n`,
  'a colon first': `${head(': x\r\nContent-Length: 2')}{}`,
  'a header without a colon': `${head('Content-Length 2')}{}`,
  'two hosts': 'POST /predict HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  'no host': 'POST /predict HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  'a version with more digits': 'POST /predict HTTP/1.10\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}',
  'a version that is none': 'POST /predict HTTP/9.9\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}',
  'a blank within the address': 'POST /pre dict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}'
}

const odd = []
let sent = 0
for (const [name, text] of Object.entries(cases)) {
  for (let n = 0; n < Number(values.times); n++) {
    // Whole, and a byte at a time where it is taken apart.
    const parts = n % 2 === 0 ? [text + hidden] : [...text + hidden]
    const { text: answer, closed } = await send(service.url, parts.map((part) => Buffer.from(part, 'latin1')))
    const { statuses, type, json } = read(answer)
    sent++
    if (closed && statuses.length === 1 && statuses[0] === 400 && type === 'application/problem+json' && json?.status === 400) continue
    odd.push(`${name}: ${statuses.join(' and ') || 'no answer'}${closed ? '' : ', left open'}`)
    break
  }
}
const broken = await service.check()
await service.stop()
for (const words of odd) console.log(words)
const held = odd.length === 0 && broken.length === 0
writeRow({
  row: 18,
  fault: 'two lengths, a length and chunks, line feeds and returns alone, folded and malformed headers, chunks that are wrong',
  wanted: '400 and closed, 100 %; nothing hidden behind is answered',
  got: `${Object.keys(cases).length} kinds, ${sent} requests: ${odd.length === 0 ? 'all refused by 400 and closed' : `${odd.length} kinds otherwise (${odd.join('; ')})`}${broken.length === 0 ? '; everything stands' : `; does not stand: ${broken.join(', ')}`}`,
  held,
  how: 'node bench/reliability/smuggling.mjs'
})
if (!held) process.exitCode = 1
