import { boundedClient } from '@quorate/shared/answer-bounds'
import { NodeAgentServiceClient } from '@quorate/shared/gen/quorate/v1/node_agent'
import { clientCredentials, unprovenPeerCredentials } from '@quorate/shared/mtls'
import type { NodeEntry } from '../config/cluster-file.js'
import type { Agent } from './agent.js'
import { agentClient, type Patience } from './agent-client.js'
import { diagnoseTrust } from './diagnose.js'
import { guarded, type NewestDenyList, PeerGuard } from './peer-guard.js'

/** The coordinator's own identity and the CA that issued every agent's; PEM. */
export interface FleetIdentity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Clients for the agents of a cluster, one connection a node, made when first asked for. */
export interface Fleet {
  agent(node: NodeEntry): Agent
  /** Ends all connections; calls under way end as AGENT_UNREACHABLE. What a node is doing goes on there. */
  close(): void
}

/** Facts of a control plane with many pods are larger than gRPC's default of 4 MiB; an agent sends at most this. */
const largestMessage = 16 * 1024 * 1024

/** An agent may have been taken over: what it answers is looked at before anything uses it. */
const BoundedClient = boundedClient(NodeAgentServiceClient)

export interface FleetOptions {
  readonly patience?: Partial<Patience>
  /** The list of revoked keys; unset: none. */
  readonly newest?: NewestDenyList
  /** Talks to agents without proof of who they are: to renew a certificate that has ended. What such an agent says must prove itself. */
  readonly unproven?: boolean
}

const channelOptions = {
  // Agents are neighbours: an https_proxy of the operator's shell is for others.
  'grpc.enable_http_proxy': 0,
  'grpc.max_receive_message_length': largestMessage,
  // A node that died without a word is noticed in seconds, not by the kernel's retransmissions in a quarter of an hour.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // Two fleets in one process must not share a connection and with it an identity.
  'grpc.use_local_subchannel_pool': 1,
}

/** Connects to each agent when it is first asked for. */
export function connectFleet(
  identity: FleetIdentity,
  { patience = {}, newest = async () => undefined, unproven = false }: FleetOptions = {},
): Fleet {
  const guard = new PeerGuard(newest)
  const credentials = unproven ? unprovenPeerCredentials(identity) : clientCredentials(identity, guard.checkPeer)
  const clients = new Map<string, { client: NodeAgentServiceClient; agent: Agent }>()
  return {
    agent(node) {
      const known = clients.get(node.name)
      if (known !== undefined) return known.agent
      const client = new BoundedClient(node.agent, credentials, {
        ...channelOptions,
        // An agent proves that it is this node, whatever address it is reached at.
        'grpc.ssl_target_name_override': node.name,
        'grpc.default_authority': node.name,
      })
      const made = {
        client,
        agent: guarded(
          agentClient({
            node: node.name,
            client,
            patience,
            diagnose: () => diagnoseTrust({ target: node.agent, serverName: node.name, identity }),
          }),
          guard,
        ),
      }
      clients.set(node.name, made)
      return made.agent
    },
    close() {
      for (const { client } of clients.values()) client.close()
      clients.clear()
    },
  }
}
