import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { about } from './about.ts'
import { Problem } from './answers.ts'
import type { App } from './service.ts'

// Swagger UI from this service alone: no other host is asked, over plain HTTP too.
const policy = {
  'default-src': "'self'",
  'base-uri': "'self'",
  'font-src': "'self' data:",
  'frame-ancestors': "'self'",
  'img-src': "'self' data:",
  'object-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'"
}

/** What no schema can say: it holds for the keys of every body, those of free form too. */
const strict = 'A key that stands twice in a body, `__proto__`, and `constructor` with a `prototype` in it are refused (400, `malformed`).'

/** Collects the schemas of every route registered after it: the document, and its pages at /docs. */
export async function document (app: App): Promise<void> {
  app.addSchema(Problem)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'statescope', version: about.version, description: `${about.description}\n\n${strict}`, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      servers: [{ url: '/' }],
      tags: [
        { name: 'probes', description: 'Run a model' },
        { name: 'studies', description: 'Ask a model why' },
        { name: 'models', description: 'What there is, and its weights' },
        { name: 'v2', description: 'The Open Inference Protocol, as tritonclient speaks it: internals are ordinary outputs' },
        { name: 'health', description: 'For whoever watches the service' }
      ],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'API_TOKEN, where the service has one.' } } },
      security: [{ token: [] }, {}]
    },
    // A copy in which no two parts are one object: YAML would write those as anchors and aliases.
    transformObject: (document) => 'openapiObject' in document ? JSON.parse(JSON.stringify(document.openapiObject)) : document.swaggerObject,
    refResolver: { buildLocalReference: (json, _base, _fragment, i) => typeof json.$id === 'string' ? json.$id : `schema-${i}` }
  })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: policy, theme: { title: 'statescope' }, uiConfig: { layout: 'BaseLayout', tryItOutEnabled: true, deepLinking: true } })
}

/** The document itself. */
export function docsRoutes (app: App): void {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
