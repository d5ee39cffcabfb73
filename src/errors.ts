/**
 * The one table of errors: code -> HTTP status and title. Whoever finds a fault throws `new Fault(code, detail, pointer)`; http/ turns
 * it into problem+json (RFC 9457). The detail says what to do.
 */
export const faults = {
  malformed: [400, 'The request could not be read'],
  unauthorized: [401, 'A token is needed'],
  forbidden: [403, 'The token does not allow this'],
  not_found: [404, 'There is nothing at this address'],
  unknown_model: [404, 'There is no such model'],
  method_not_allowed: [405, 'This address does not take this method'],
  not_acceptable: [406, 'The answer is not available in this format'],
  too_slow: [408, 'The request did not arrive in time'],
  model_refused: [409, 'The model cannot be served'],
  version_exists: [409, 'There is such a version already'],
  too_large: [413, 'The request or its answer is too large'],
  unsupported_media_type: [415, 'The request is in a format that is not understood'],
  invalid_value: [422, 'A value is of the wrong kind'],
  wrong_shape: [422, 'An array has the wrong shape'],
  unknown_name: [422, 'There is no such layer, tensor, input or output'],
  bad_file: [422, 'The model file cannot be read'],
  digest_mismatch: [422, 'What arrived is not what was sent'],
  unsupported_layer: [422, 'The model holds a layer that cannot be computed'],
  queue_full: [429, 'The service is busy'],
  rate_limited: [429, 'Too many requests from this caller'],
  internal: [500, 'The service failed'],
  not_ready: [503, 'The service is not ready'],
  storage_failed: [503, 'The model could not be stored'],
  unsound: [503, 'The answer did not pass its own check'],
  deadline: [504, 'The answer took too long'],
  storage_full: [507, 'There is no room for this']
} as const satisfies Record<string, readonly [number, string]>

export type FaultCode = keyof typeof faults

/** An error for the reader: a code of the table, what to do, and where (a JSON pointer into the request). */
export class Fault extends Error {
  readonly code: FaultCode
  readonly pointer: string | undefined

  constructor (code: FaultCode, detail: string, pointer?: string) {
    super(detail)
    this.name = 'Fault'
    this.code = code
    this.pointer = pointer
  }

  get status (): number { return faults[this.code][0] }
  get title (): string { return faults[this.code][1] }
}

/** Whoever asked has gone. No error of the service, and none that anybody reads. */
export class Gone extends Error {
  constructor () {
    super('whoever asked has gone')
    this.name = 'Gone'
  }
}
