// The faults to hold against, and what must happen at each: the rows of docs/reliability.md, measured or not.

export const faults = [
  ['a model file that is cut', '422, all of them, within 1 s each'],
  ['turned bits in a model file, its digest known', '422, none loads'],
  ['turned bits in a model file, no digest', '422 or it loads: no crash, no hang'],
  ['small files that declare gigabytes, one array or a hundred', '422 before they are read, RSS +64 MiB at most'],
  ['HDF5 external and soft links, external storage, virtual datasets', '422, nothing of another file is read'],
  ['zip bombs, sizes that lie, members over each other, 100,000 entries', '422 or 413 at the cap, within 2 s'],
  ['paths out of an archive, symbolic links, names twice', '422, no file outside'],
  ['Lambda, unknown classes, foreign modules, also inside other layers', '422 naming layer and class, all of them'],
  ['graphs with circles, loose ends, 10,000 deep, 100,000 layers', '422 within 500 ms'],
  ['units that are huge, negative, no whole number', '422 before allocation, RSS +16 MiB at most'],
  ['weights that are not finite, of the wrong shape or type, missing or too many', '422 naming the tensor, all of them'],
  ['bodies that are ragged, of the wrong type or rank, with null or text', '422 with a pointer, nothing converted in 100,000'],
  ['1e308, 1e309 and NaN as numbers', '422 where not finite as float32'],
  ['a model whose output is not finite', 'the documented encoding; exact in binary'],
  ['JSON 10,000 and 250,000 deep', '400 or 422'],
  ['`__proto__`, `constructor`, keys twice', '400'],
  ['bodies, batches and answers that are too large, gzip bombs', '413, the answer\'s size known before it runs, RSS flat'],
  ['request smuggling: two lengths, length and chunks, bare LF', '400 and closed, all of them'],
  ['slow headers, bodies and readers on 2,000 sockets', '408 or cut; what they hold is freed, the p99 of others below twice'],
  ['clients that go away in the middle, 10,000 times', 'queued work is cancelled; no tensor and no descriptor left'],
  ['twice and ten times as many requests as can be answered', '429 with Retry-After within 50 ms, 90 % of the peak still answered, the queue bounded'],
  ['10,000 connections kept open', 'served or refused cleanly, 20 KiB each at most'],
  ['a worker that throws, runs out of memory or exits', '503 for its request, none lost of others, back within 5 s'],
  ['a computation without end', '504 at the deadline + 1 s, the worker replaced'],
  ['SIGKILL during an upload, at 1,000 moments', 'the old or the new, never mixed; what was acknowledged is there'],
  ['a full disk, EIO, EMFILE, short writes', '507 or 503, the old model serves'],
  ['replacing and deleting while 32 clients ask', 'each answer from one version, no 5xx'],
  ['a model file altered on disk', 'what runs is not touched; loading it again is refused by its digest'],
  ['SIGTERM while idle, busy, loading, and twice', 'readiness 503, then drained and ended within 30 s, none dropped'],
  ['mixed requests with load and unload for long', 'second half: RSS +32 MiB at most, no tensor and no descriptor more'],
  ['requests made from the API\'s own description', '0 failures in 10,000 cases'],
  ['tokens, line breaks and orders to terminals in names', 'none in the log; labels bounded']
].map(([fault, wanted], index) => ({ row: index + 1, fault, wanted }))

/** The rows that a script measures, as the first line of its source says: `// Rows 4 to 11 and 28: ...`. */
export function rowsOf (source) {
  const [, words] = /^\/\/ Rows? ([\d,]+(?:(?:, | and | to )\d+)*)/.exec(source) ?? []
  if (words === undefined) return []
  return words.split(/, | and /).flatMap((part) => {
    const [from, to = from] = part.split(' to ').map(Number)
    return Array.from({ length: to - from + 1 }, (_, n) => from + n)
  })
}
