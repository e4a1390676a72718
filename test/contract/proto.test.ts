import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadSync, type MessageTypeDefinition, type ServiceDefinition } from '@grpc/proto-loader'
import * as nodeAgent from '@quorate/shared/gen/quorate/v1/node_agent'
import t from 'tap'

const protos = join(resolve(dirname(fileURLToPath(import.meta.url)), '../..'), 'proto')
const loaded = loadSync('quorate/v1/node_agent.proto', { includeDirs: [protos], keepCase: false })
const service = loaded['quorate.v1.NodeAgentService'] as ServiceDefinition
const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)

t.test('the generated service is the service of the .proto: names, paths and which side streams', async (t) => {
  const written = Object.entries(service).map(([name, { path, requestStream, responseStream }]) => [
    lowerFirst(name),
    { path, requestStream, responseStream },
  ])
  const generated = Object.entries(nodeAgent.NodeAgentServiceService).map(
    ([name, { path, requestStream, responseStream }]) => [name, { path, requestStream, responseStream }],
  )
  t.ok(generated.length > 30)
  t.same(Object.fromEntries(generated), Object.fromEntries(written))
})

t.test('each generated request and response has the fields of the .proto', async (t) => {
  for (const [name, method] of Object.entries(nodeAgent.NodeAgentServiceService)) {
    const written = service[name.slice(0, 1).toUpperCase() + name.slice(1)]
    t.ok(written, name)
    if (written === undefined) continue
    t.same(
      Object.keys(method.requestDeserialize(Buffer.alloc(0))).sort(),
      fieldsOf(written.requestType),
      `${name} request`,
    )
    t.same(
      Object.keys(method.responseDeserialize(Buffer.alloc(0))).sort(),
      fieldsOf(written.responseType),
      `${name} response`,
    )
  }
})

t.test('what one side writes the other reads: a request with every kind of field', async (t) => {
  const request = nodeAgent.JoinControlPlaneRequest.fromPartial({
    header: { operationId: 'op-1', runId: 'r', cluster: 'prod', fencingToken: 2 ** 40 },
    join: { endpoint: 'apiserver.example.com:8443', bindPort: 6443, ignorePreflightErrors: ['Swap', 'NumCPU'] },
  })
  const written = service['JoinControlPlane']
  const read = written?.requestDeserialize(Buffer.from(nodeAgent.JoinControlPlaneRequest.encode(request).finish()))
  t.match(read, {
    header: { operationId: 'op-1', runId: 'r', cluster: 'prod' },
    join: { endpoint: 'apiserver.example.com:8443', bindPort: 6443, ignorePreflightErrors: ['Swap', 'NumCPU'] },
  })
  t.equal(Number((read as { header: { fencingToken: unknown } }).header.fencingToken), 2 ** 40)
})

/**
 * Field names as ts-proto has them. A message with a oneof has nothing beside it here, so it is the one field of that name; protoc gives each
 * `optional` field a oneof of its own, which begins with `_`.
 */
function fieldsOf({ type }: MessageTypeDefinition<object, object>): string[] {
  const { field, oneofDecl } = type as { field: { name: string }[]; oneofDecl: { name: string }[] }
  const written = oneofDecl.filter(({ name }) => !name.startsWith('_'))
  return (written.length > 0 ? written : field).map(({ name }) => camel(name)).sort()
}

const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
