import { Validator } from '@seriousme/openapi-schema-validator'
import { readFileSync } from 'node:fs'
import t from 'tap'
import Schema from 'typebox/schema'
import { parse } from 'yaml'
import { openapiYaml } from '../src/app.ts'
import { call, inProject, serve } from './http/support.ts'

interface Operation {
  readonly operationId: string
  readonly requestBody?: { readonly content: Record<string, { readonly examples?: Record<string, { readonly value: object }> }> }
  readonly responses: Record<string, { readonly content: Record<string, { readonly schema: object }> }>
}
interface Document { readonly paths: Record<string, Record<string, Operation>>, readonly components: { readonly schemas: Record<string, object> } }

const yaml = await openapiYaml()
const document = parse(yaml) as Document

t.test('openapi.yaml is what the routes say', async (t) => {
  t.equal(readFileSync(inProject('openapi.yaml'), 'utf8'), yaml, 'npm run openapi writes it anew')
})

t.test('it is valid OpenAPI 3.1', async (t) => {
  const validator = new Validator()
  t.match(await validator.validate(structuredClone(document)), { valid: true })
  t.equal(validator.version, '3.1')
  const broken = structuredClone(document) as unknown as { info: { title?: string } }
  delete broken.info.title
  t.match(await new Validator().validate(broken), { valid: false }, 'the validator sees what is missing')
})

t.test('every route of the contract is in it', async (t) => {
  const routes = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
  t.same(routes.sort(), [
    'GET /health/live', 'GET /health/ready', 'GET /metrics', 'GET /models', 'GET /models/{id}', 'GET /models/{id}/decode', 'GET /models/{id}/export', 'GET /models/{id}/sample', 'GET /models/{id}/weights',
    'POST /generate', 'POST /hidden-states', 'POST /models/{id}/generate', 'POST /models/{id}/hidden-states', 'POST /models/{id}/predict', 'POST /models/{id}/relevance', 'POST /models/{id}/search', 'POST /predict', 'POST /relevance', 'POST /search',
    'GET /models/{id}/labels', 'PUT /models/{id}/labels/{label}', 'DELETE /models/{id}/labels/{label}',
    'GET /models/{id}/versions', 'PUT /models/{id}/versions/{version}', 'DELETE /models/{id}/versions/{version}', 'POST /models/{id}/versions/{version}/load', 'POST /models/{id}/versions/{version}/unload',
    ...['', '/health/live', '/health/ready', '/models/stats'].map((path) => `GET /v2${path}`),
    ...['/v2/models/{id}', '/v2/models/{id}/versions/{version}'].flatMap((path) => [`GET ${path}`, `GET ${path}/config`, `GET ${path}/ready`, `GET ${path}/stats`, `POST ${path}/infer`]),
    'POST /v2/repository/index', 'POST /v2/repository/models/{id}/load', 'POST /v2/repository/models/{id}/unload'
  ].sort())
})

t.test('the examples are answered, and answers are as documented', async (t) => {
  const { url } = await serve(t, inProject('models'))
  const conforms = (operation: Operation, status: number, type: string, body: unknown): void => {
    const { schema } = operation.responses[status].content[type]
    const [, name] = /([^/]+)$/.exec((schema as { $ref?: string }).$ref ?? '') ?? []
    const [valid, errors] = Schema.Errors((name === undefined ? schema : document.components.schemas[name]) as Parameters<typeof Schema.Errors>[0], body)
    t.ok(valid, `${operation.operationId} ${status}`, { errors })
  }
  for (const path of ['/predict', '/hidden-states', '/relevance', '/search', '/generate']) {
    const { post } = document.paths[path]
    const { examples = {} } = post.requestBody!.content['application/json']
    t.ok(Object.keys(examples).length >= 3, `${path} has examples`)
    for (const [name, { value }] of Object.entries(examples)) {
      const { status, body } = await call(url + path, value, { accept: 'application/json' })
      t.equal(status, 200, `${path}: ${name}`, { body })
      conforms(post, 200, 'application/json', body)
    }
    const refused = await call(url + path, { model: 'weather', inputs: 'x' })
    t.equal(refused.status, 422)
    conforms(post, 422, 'application/problem+json', refused.body)
  }
  for (const path of ['/models', '/models/{id}', '/models/{id}/sample', '/models/{id}/weights', '/health/live', '/health/ready']) {
    const { status, body } = await call(url + path.replace('{id}', 'chars'))
    t.equal(status, 200, path)
    conforms(document.paths[path].get, 200, 'application/json', body)
  }
})
