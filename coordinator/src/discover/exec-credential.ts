import { spawn } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { QuorateError } from '@quorate/shared/errors'
import { z } from 'zod'

const pair = z.object({ name: z.string().regex(/^[^=\0]+$/), value: z.string() })

/** `exec` of a user in a kubeconfig (client.authentication.k8s.io). */
export const execPlugin = z.object({
  apiVersion: z.string().regex(/^client\.authentication\.k8s\.io\/v1(beta1)?$/),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(pair).nullish(),
})

export type ExecPlugin = z.output<typeof execPlugin>

const credential = z.object({
  kind: z.literal('ExecCredential'),
  status: z.object({
    token: z
      .string()
      .regex(/^[\x21-\x7e]+$/)
      .optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
  }),
})

/** A login in a browser takes a minute. */
const longestMs = 120_000
const mostBytes = 256 * 1024

/** The credentials in what a plugin prints; undefined where there are none. */
export function readExecCredential(text: string): { token?: string; cert?: string; key?: string } | undefined {
  const parsed = credential.safeParse(asJson(text))
  if (!parsed.success) return undefined
  const { token, clientCertificateData: cert, clientKeyData: key } = parsed.data.status
  if (token === undefined && (cert === undefined || key === undefined)) return undefined
  return {
    ...(token === undefined ? {} : { token }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Runs the plugin of a kubeconfig and returns the credentials that it prints; CLUSTER_NOT_READ if it fails. */
export async function runExecPlugin(
  { apiVersion, command, args, env }: ExecPlugin,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<{ token?: string; cert?: string; key?: string }> {
  // As kubectl does: a path is relative to the kubeconfig, a bare name is looked up in PATH.
  const program = command.includes('/') ? resolve(dirname(path), command) : command
  const about = { kind: 'ExecCredential', apiVersion, spec: { interactive: false } }
  const ended = await outputOf(program, args ?? [], {
    env: {
      ...process.env,
      ...Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
      KUBERNETES_EXEC_INFO: JSON.stringify(about),
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(longestMs)]),
  }).catch((cause: Error) => {
    throw failed(path, command, cause.message)
  })
  const found = ended.exitCode === 0 ? readExecCredential(ended.stdout) : undefined
  if (found !== undefined) return found
  const why = ended.exitCode === 0 ? 'it printed no credentials' : `exit code ${ended.exitCode}: ${ended.stderr.trim()}`
  throw failed(path, command, why)
}

const failed = (where: string, command: string, why: string): QuorateError =>
  new QuorateError('CLUSTER_NOT_READ', `the exec plugin ${JSON.stringify(command)} failed: ${why.slice(0, 500)}`, {
    where,
    remedy: 'Log in with it first, until `kubectl get nodes` works with this kubeconfig.',
  })

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

function outputOf(
  program: string,
  args: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
): Promise<Ended> {
  return new Promise((done, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], killSignal: 'SIGKILL' })
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
    let bytes = 0
    const take = (into: Buffer[]) => (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= mostBytes) into.push(chunk)
      else child.kill('SIGKILL')
    }
    child.stdout.on('data', take(stdout))
    child.stderr.on('data', take(stderr))
    child.on('error', reject)
    child.on('close', (code) =>
      done({ exitCode: code ?? 128, stdout: String(Buffer.concat(stdout)), stderr: String(Buffer.concat(stderr)) }),
    )
  })
}
