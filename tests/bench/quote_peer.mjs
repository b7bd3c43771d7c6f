// The npm peer of POST /v1/quotes: fastify with a request schema and a response schema, giving the same answer as lephi
// without computing it. quote_peer.mjs REPLY.json; prints where it listens.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
const require = createRequire(new URL('../package.json', import.meta.url))
const fastify = require('fastify')

const answer = JSON.parse(readFileSync(process.argv[2], 'utf8'))

// The schema of a value, so that fastify writes it by generated code instead of JSON.stringify.
function schemaOf(value) {
  if (Array.isArray(value)) return { type: 'array', items: value.length ? schemaOf(value[0]) : { type: 'object' } }
  if (value === null) return { type: 'null' }
  if (typeof value === 'number') return { type: 'integer' }
  if (typeof value !== 'object') return { type: typeof value }
  return { type: 'object', properties: Object.fromEntries(Object.entries(value).map(([key, one]) => [key, schemaOf(one)])) }
}

const body = {
  type: 'object',
  additionalProperties: false,
  required: ['channel'],
  properties: {
    procedure: { type: 'string', maxLength: 40 },
    channel: { enum: ['counter', 'online', 'online_part', 'post'] },
    quantities: { type: 'object', additionalProperties: { type: 'integer' } }
  }
}

const server = fastify({ logger: false })
server.post('/v1/quotes', { schema: { body, response: { 200: schemaOf(answer) } } }, async () => answer)
await server.listen({ host: '127.0.0.1', port: 0 })
console.log(`listening on 127.0.0.1:${server.server.address().port}`)
