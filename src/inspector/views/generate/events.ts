/** A server-sent event. */
export interface ServerEvent { readonly event: string, readonly data: string }

/**
 * Takes a stream apart as it comes: give it the next piece, and it gives the events that are whole (WHATWG HTML, 9.2.6). By hand, as EventSource sends no body.
 */
export function eventReader (): (piece: string) => ServerEvent[] {
  let rest = ''
  return (piece) => {
    rest += piece
    const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/)
    rest = blocks.pop()!
    return blocks.flatMap((block) => {
      const fields = block.split(/\r\n|\n|\r/).map((line) => /^([^:]*):? ?(.*)$/s.exec(line)!.slice(1))
      const data = fields.filter(([name]) => name === 'data').map(([, value]) => value)
      return data.length === 0 ? [] : [{ event: fields.findLast(([name]) => name === 'event')?.[1] ?? 'message', data: data.join('\n') }]
    })
  }
}
