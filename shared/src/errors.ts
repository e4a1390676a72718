/** Exit codes of `quorate`, as the contract has them. */
export const exitCode = {
  done: 0,
  defect: 1,
  usage: 2,
  blocked: 3,
  stepFailed: 4,
  needsPerson: 5,
  clusterHeld: 6,
  notHighlyAvailable: 7,
  interrupted: 130,
} as const

export type ExitName = keyof typeof exitCode

interface CatalogueEntry {
  /** gRPC status name by which the error crosses from agent to coordinator. */
  readonly status:
    | 'INVALID_ARGUMENT'
    | 'NOT_FOUND'
    | 'ALREADY_EXISTS'
    | 'PERMISSION_DENIED'
    | 'UNAUTHENTICATED'
    | 'FAILED_PRECONDITION'
    | 'ABORTED'
    | 'UNAVAILABLE'
    | 'DEADLINE_EXCEEDED'
    | 'CANCELLED'
    | 'INTERNAL'
  readonly exit: ExitName
  /** What a person does next; may name a command. */
  readonly remedy: string
}

/**
 * Every error that a person can meet: code, gRPC status, exit code, remedy. docs/errors.md is generated from it, and a test
 * proves that every code is used and documented.
 */
export const catalogue = {
  USAGE: { status: 'INVALID_ARGUMENT', exit: 'usage', remedy: 'See `quorate --help`.' },
  CLUSTER_FILE_INVALID: {
    status: 'INVALID_ARGUMENT',
    exit: 'usage',
    remedy: 'Correct the cluster file at the line named; docs/cluster-file.md lists every key.',
  },
  AGENT_CONFIG_INVALID: {
    status: 'INVALID_ARGUMENT',
    exit: 'usage',
    remedy: 'Correct /etc/quorate/agent.yaml, or enrol the node anew with `quorate enroll NODE --bundle DIR`.',
  },
  STATE_NOT_INITIALISED: {
    status: 'FAILED_PRECONDITION',
    exit: 'usage',
    remedy: 'Run `quorate init` first, or name the state folder with --state.',
  },
  STATE_EXISTS: {
    status: 'ALREADY_EXISTS',
    exit: 'usage',
    remedy: 'The state folder already holds a fleet; name another with --state.',
  },
  RUN_NOT_FOUND: {
    status: 'NOT_FOUND',
    exit: 'usage',
    remedy: '`quorate status` lists the runs of this state folder.',
  },
  RUN_OVER: {
    status: 'FAILED_PRECONDITION',
    exit: 'usage',
    remedy: '`quorate status RUN` shows how it ended; `quorate convert` begins anew.',
  },
  JOURNAL_DAMAGED: {
    status: 'FAILED_PRECONDITION',
    exit: 'needsPerson',
    remedy: 'Copy the journal away, then see docs/runbook.md#damaged-journal.',
  },
  AGENT_UNREACHABLE: {
    status: 'UNAVAILABLE',
    exit: 'blocked',
    remedy: 'On that node: `systemctl status quorate-agent`, and open port 7445 from this machine.',
  },
  AGENT_UNTRUSTED: {
    status: 'UNAUTHENTICATED',
    exit: 'blocked',
    remedy:
      'The node shows a certificate that this fleet did not issue, or one that has expired: enrol it anew with `quorate enroll NODE --bundle DIR`.',
  },
  ACCESS_DENIED: {
    status: 'PERMISSION_DENIED',
    exit: 'usage',
    remedy: 'This certificate does not carry the role that the operation needs.',
  },
  NOT_AUTHENTICATED: {
    status: 'UNAUTHENTICATED',
    exit: 'usage',
    remedy:
      'Send `Authorization: Bearer TOKEN` with the token that `quorate serve` wrote into the state folder, or a client certificate of the fleet.',
  },
  BLOCKED_BY_FINDINGS: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy: 'Mend each finding as its remedy says, then run `quorate plan` again. Nothing was changed.',
  },
  PLAN_CHANGED: {
    status: 'ABORTED',
    exit: 'blocked',
    remedy: 'The cluster is not what the approved plan saw: read the new plan and approve it.',
  },
  NOT_APPROVED: {
    status: 'CANCELLED',
    exit: 'interrupted',
    remedy: 'Nothing was changed. Run it again when you are ready.',
  },
  CLUSTER_HELD: {
    status: 'ABORTED',
    exit: 'clusterHeld',
    remedy: 'Another run holds this cluster: `quorate status` shows it. Wait for it, or end it.',
  },
  FENCED: {
    status: 'ABORTED',
    exit: 'clusterHeld',
    remedy: 'A later coordinator took this cluster over: follow its run; this one has stopped.',
  },
  STEP_FAILED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'The cluster works. Mend the cause, then `quorate resume RUN` goes on from there, or `quorate rollback RUN` undoes the run.',
  },
  GATE_TIMEOUT: {
    status: 'DEADLINE_EXCEEDED',
    exit: 'stepFailed',
    remedy:
      'The cluster works. What was last seen is above: mend it, then `quorate resume RUN` goes on, or `quorate rollback RUN` undoes the run.',
  },
  CERTIFICATES_NOT_SIGNED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'The CA keeps its key elsewhere. Sign the requests that are named as docs/runbook.md#external-ca shows, put each certificate beside its request, then `quorate resume RUN` goes on, or `quorate rollback RUN` undoes the run.',
  },
  AVAILABILITY_BUDGET_SPENT: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'Stopped at a safe place: the API was away for longer than policy.availabilityBudgetSeconds allows in one step. `quorate report RUN` shows when and why; mend it, then `quorate resume RUN` goes on, or `quorate rollback RUN` undoes the run.',
  },
  QUORUM_AT_RISK: {
    status: 'FAILED_PRECONDITION',
    exit: 'needsPerson',
    remedy: 'See docs/runbook.md#quorum. Do not remove members by hand before you have read it.',
  },
  NOT_HIGHLY_AVAILABLE: {
    status: 'FAILED_PRECONDITION',
    exit: 'notHighlyAvailable',
    remedy: 'Each finding above says what to mend; `quorate plan` shows what Quorate would do.',
  },
  INTERRUPTED: {
    status: 'CANCELLED',
    exit: 'interrupted',
    remedy: 'Stopped at a safe place. `quorate resume RUN` goes on from there, `quorate rollback RUN` undoes the run.',
  },
  DRIFT: {
    status: 'ABORTED',
    exit: 'stepFailed',
    remedy: 'Somebody else changed this since the plan; the diff is above. Agree with them, then plan again.',
  },
  OPERATION_MISMATCH: {
    status: 'INVALID_ARGUMENT',
    exit: 'defect',
    remedy: 'The same operation id came with another payload. Please report it with the journal.',
  },
  OPERATION_UNKNOWN_OUTCOME: {
    status: 'ABORTED',
    exit: 'needsPerson',
    remedy:
      'The node stopped in the middle of this operation and its end is unknown; see docs/runbook.md#unknown-outcome.',
  },
  NODE_BUSY: { status: 'UNAVAILABLE', exit: 'stepFailed', remedy: 'Another operation runs on this node; wait for it.' },
  NOT_A_CONTROL_PLANE: {
    status: 'FAILED_PRECONDITION',
    exit: 'defect',
    remedy: 'This operation belongs on a control plane: check the roles in the cluster file.',
  },
  ADMIN_KUBECONFIG_MISSING: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy:
      'Put /etc/kubernetes/admin.conf back on that control plane (mode 0600, owner root) until the conversion has finished; Quorate asks the API server with it.',
  },
  NOT_IN_TABLE: {
    status: 'INVALID_ARGUMENT',
    exit: 'defect',
    remedy: 'The agent only touches what its own table names. Update the agent, or report it.',
  },
  FOLDER_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'certificatesDir, etcd.local.dataDir and staticPodPath must name folders of their own, below folders that root alone may write to: chown root and chmod go-w those above.',
  },
  INVALID_REQUEST: {
    status: 'INVALID_ARGUMENT',
    exit: 'defect',
    remedy: 'Coordinator and agent disagree: compare their versions with `quorate nodes`.',
  },
  COMMAND_FAILED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The program printed why; its last lines are above.',
  },
  API_SERVER_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The local API server answered with an error; its message is above.',
  },
  ETCD_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'etcd answered with an error; see docs/runbook.md#etcd before doing anything to its members.',
  },
  CONTAINER_RUNTIME_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'The container runtime did not answer or refused: on that node, `systemctl status containerd` (or the runtime that runs there).',
  },
  NOT_JOINED_BY_THIS_RUN: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy:
      'Quorate resets only what the same run joined. If this node must leave the cluster, do it by hand: `kubeadm reset` there, after docs/runbook.md#quorum.',
  },
  CERTIFICATE_INVALID: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The staged certificate did not pass its checks; the one in use was not touched.',
  },
  KUBECONFIG_INVALID: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The file cannot be read as a kubeconfig; mend it by hand, it was not touched.',
  },
  CONFIG_MAP_INVALID: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The ConfigMap does not have the shape that kubeadm writes; it was not touched.',
  },
  SYSTEM_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The operating system of that node refused; its words are above (disk full, read-only, not root?).',
  },
  MANIFEST_INVALID: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy: 'The static pod manifest cannot be read as the kubelet reads it; mend it by hand, it was not touched.',
  },
  SYMLINK_REFUSED: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The path is a symbolic link; Quorate does not follow links when it writes. Make it a file.',
  },
  PORT_IN_USE: {
    status: 'FAILED_PRECONDITION',
    exit: 'blocked',
    remedy: 'Choose another port in the cluster file, or stop what listens there.',
  },
  SECRET_NOT_FOR_US: {
    status: 'FAILED_PRECONDITION',
    exit: 'stepFailed',
    remedy: 'The agent was restarted since the secret was sealed to it: run the step again, it makes a new one.',
  },
  BACKUP_MISSING: {
    status: 'NOT_FOUND',
    exit: 'needsPerson',
    remedy:
      'This run has no backup of that name on that node; the copy kept by the coordinator is in its state folder under backups/.',
  },
  BACKUP_DAMAGED: {
    status: 'FAILED_PRECONDITION',
    exit: 'needsPerson',
    remedy:
      'Do not rely on this copy: the node keeps one under /var/lib/quorate-agent/backups, see docs/runbook.md#etcd.',
  },
  INTERNAL: {
    status: 'INTERNAL',
    exit: 'defect',
    remedy:
      'This is a bug in Quorate. Please report it with the output above; the correlation id finds the stack in the journal of the program that failed.',
  },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof catalogue

export interface QuorateErrorOptions {
  /** Node or file that it happened on. */
  readonly where?: string
  /** Overrides the catalogue's remedy where the place knows a better one. */
  readonly remedy?: string
  readonly cause?: unknown
  readonly correlationId?: string
}

/** The one error class: what, where, why and what to do next. */
export class QuorateError extends Error {
  override readonly name = 'QuorateError'
  readonly code: ErrorCode
  readonly where: string | undefined
  readonly remedy: string
  readonly correlationId: string | undefined

  constructor(code: ErrorCode, message: string, options: QuorateErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.where = options.where
    this.remedy = options.remedy ?? catalogue[code].remedy
    this.correlationId = options.correlationId
  }

  get exitCode(): number {
    return exitCode[catalogue[this.code].exit]
  }
}

/** Turns anything thrown into a QuorateError; what is not one of ours becomes INTERNAL with its cause kept. */
export function asQuorateError(error: unknown, where?: string): QuorateError {
  if (error instanceof QuorateError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new QuorateError('INTERNAL', message, { cause: error, ...(where === undefined ? {} : { where }) })
}
