import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { historyOf } from '@quorate/coordinator/audit/history'
import { buildApp } from '@quorate/coordinator/rest/app'
import type { Session } from '@quorate/coordinator/runs/context/session'
import { restTokens } from '@quorate/coordinator/state/rest-tokens'
import type { Role } from '@quorate/shared/roles'
import type { Test } from 'tap'
import { approversOf } from './approvers.js'
import { restSession } from './rest-session.js'

const [day, token] = [86_400_000, 'a-token-of-at-least-thirty-two-characters']

/** REST over a state folder with history and approvals; `as` makes a token and asks with it. */
export async function servedRest(t: Test, parts: Partial<Session> = {}) {
  const fleet = approversOf(t)
  const folder = mkdtempSync(join(tmpdir(), 'quorate-access-'))
  const history = historyOf({ folder, keyPath: join(folder, 'key'), fleetId: async () => 'f' })
  const session = restSession({ approvals: fleet.approvals, history, ...parts })
  const tokens = restTokens(join(folder, 'tokens'))
  const app = buildApp({ session, token, findToken: tokens.find })
  t.teardown(() => app.close())
  const as = async (name: string, role: Role, clusters: readonly string[] = []) => {
    const { token } = await tokens.create({ name, role, clusters, expiresAt: Date.now() + day })
    const headers = { authorization: `Bearer ${token}` }
    return (method: 'GET' | 'POST', url: string, payload?: object) =>
      app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
  }
  return { app, session, fleet, history, as }
}

type Ask = Awaited<ReturnType<Awaited<ReturnType<typeof servedRest>>['as']>>

interface Operation {
  readonly responses: Record<string, unknown>
}

/** Every operation of its OpenAPI document, by the route as fastify writes it. */
export async function operationsOf(ask: Ask): Promise<ReadonlyMap<string, Operation>> {
  const { paths } = (await ask('GET', '/v1/openapi.json')).json() as {
    paths: Record<string, Record<string, Operation>>
  }
  return new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, operation]) =>
          [`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, operation] as const,
      ),
    ),
  )
}
