import type { NodeAgentServiceService } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { OperationHeader } from '@quorate/shared/gen/quorate/v1/operation'
import type { ChangeOperation, ReadOperation, StreamOperation } from './operation.js'

export type Methods = typeof NodeAgentServiceService
export type MethodName = keyof Methods
export type RequestOf<Name extends MethodName> = ReturnType<Methods[Name]['requestDeserialize']>
export type ResponseOf<Name extends MethodName> = ReturnType<Methods[Name]['responseDeserialize']>

/** What the .proto says an operation is: it changes when its request has a header, else it answers once or in pieces. */
type OperationOf<Name extends MethodName> =
  RequestOf<Name> extends { header?: OperationHeader | undefined }
    ? 'header' extends keyof RequestOf<Name>
      ? ChangeOperation<RequestOf<Name>>
      : ReadOrStream<Name>
    : ReadOrStream<Name>

type ReadOrStream<Name extends MethodName> = Methods[Name]['responseStream'] extends true
  ? StreamOperation<RequestOf<Name>, ResponseOf<Name>>
  : ReadOperation<RequestOf<Name>, ResponseOf<Name>>

/** One operation for each RPC. GetOperation, ExamineOperation and RaiseFence are the server's own: they are about the ledger. */
export type Operations = {
  readonly [Name in Exclude<MethodName, 'getOperation' | 'examineOperation' | 'raiseFence'>]: OperationOf<Name>
}
