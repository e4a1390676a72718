import { endpointAnswers } from './endpoint-answers.js'
import { endpointName } from './endpoint-name.js'

/** From every node: the name, without cluster DNS; TCP, TLS with full verification and /readyz through the load balancer. */
export const endpointProofs = [endpointName, endpointAnswers]
