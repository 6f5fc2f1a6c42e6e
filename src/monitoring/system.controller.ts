import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiProperty, ApiSchema, ApiTags } from '@nestjs/swagger';
import { ForOperators } from '../auth/route-access.js';
import { VERSION } from '../config/settings.js';
import { DatabaseNotifications } from '../database/notifications.js';
import { ApiErrors, ApiNullableTime, ApiTime } from '../http/openapi/api-errors.js';
import { SystemService, type Waiting } from './system.service.js';

const KEY_ID = '5f2a9c01b7de';

@ApiSchema({ name: 'SystemProcess', description: 'A running server process.' })
class ProcessResponse {
  @ApiProperty({ description: 'Its host and process id.', type: String, example: 'till-1 42' })
  name: string;

  @ApiProperty({ description: 'The version that it runs.', type: String, example: VERSION })
  version: string;

  @ApiProperty({ description: 'The data key under which it seals.', type: String, example: KEY_ID })
  seals_under: string;

  @ApiProperty({
    description: 'Data keys that it can not open. Values under them are unreadable to it.',
    type: [String],
    example: [],
  })
  lacks: string[];

  @ApiTime('When it last reported, which it does every minute.')
  answered_at: string;
}

@ApiSchema({
  name: 'SystemDataKey',
  description: 'A data key for stored secrets. The key itself is not shown.',
})
class DataKeyResponse {
  @ApiProperty({ description: 'Its id.', type: String, example: KEY_ID })
  id: string;

  @ApiProperty({
    description:
      '`published`: every process gets it before it is used. `primary`: new values are sealed under it. `superseded`: old rows are still under it. `retired`: nothing is.',
    enum: ['published', 'primary', 'superseded', 'retired'],
    example: 'primary',
  })
  state: 'published' | 'primary' | 'superseded' | 'retired';

  @ApiProperty({ description: 'The master key that wraps it.', type: String, example: 'local' })
  master_key: string;

  @ApiProperty({
    description:
      'Rows under it, counted up to 10,000 in each table; `null` for the primary key, whose rows are not counted.',
    type: 'integer',
    nullable: true,
    example: null,
  })
  rows: number | null;

  @ApiTime('When it was made.')
  created_at: string;
}

@ApiSchema({ name: 'SystemBacklog', description: 'What waits.' })
class BacklogResponse {
  @ApiProperty({ description: 'How many, counted up to 10,000.', type: 'integer', example: 0 })
  waiting: number;

  @ApiNullableTime('Since when the oldest waits, besides those to failing destinations; `null` if none does.')
  oldest_at: string | null;
}

@ApiSchema({
  name: 'SystemBacklogs',
  description:
    '`webhooks`: events of Stripe that arrived but are not applied: Stripe sends them again, or somebody replays them. `event_deliveries`: events that wait for an attempt to an enabled destination. `listeners`: events that wait for a listener of a module in the process that answers.',
})
class BacklogsResponse {
  @ApiProperty({ type: BacklogResponse })
  webhooks: BacklogResponse;

  @ApiProperty({ type: BacklogResponse })
  event_deliveries: BacklogResponse;

  @ApiProperty({ type: BacklogResponse })
  listeners: BacklogResponse;
}

@ApiSchema({ description: 'The state of the installation.' })
export class OperatorSystemResponse {
  @ApiProperty({ description: 'The version of the process that answers.', type: String, example: VERSION })
  version: string;

  @ApiProperty({
    description: 'Whether changes by other processes reach the process that answers.',
    enum: ['arriving', 'lost'],
    example: 'arriving',
  })
  change_notifications: 'arriving' | 'lost';

  @ApiProperty({
    description: 'The running processes. One that did not report for three minutes is left out.',
    type: [ProcessResponse],
  })
  processes: ProcessResponse[];

  @ApiProperty({ description: 'The newest first.', type: [DataKeyResponse] })
  data_keys: DataKeyResponse[];

  @ApiProperty({ type: BacklogsResponse })
  backlogs: BacklogsResponse;
}

/** For people who run the installation: what the metrics and `tillkeeper keys status` say, in one answer. */
@ApiTags('Operator')
@ApiBearerAuth('HTTPBearer')
@Controller('operator/system')
export class SystemController {
  constructor(
    private readonly system: SystemService,
    private readonly notifications: DatabaseNotifications,
  ) {}

  @Get()
  @ForOperators('viewer')
  @ApiOperation({
    operationId: 'getSystem',
    summary: 'Get the state of the installation',
    description: 'Its processes with their versions, its data keys, and what waits.',
  })
  @ApiOkResponse({ description: 'The state.', type: OperatorSystemResponse })
  @ApiErrors({})
  async read(): Promise<OperatorSystemResponse> {
    const { processes, sealKeys, webhooks, deliveries, listeners } = await this.system.look();
    return {
      version: VERSION,
      change_notifications: this.notifications.areArriving ? 'arriving' : 'lost',
      processes: processes.map(({ name, version, primary, missing, answeredAt }) => ({
        name,
        version,
        seals_under: primary,
        lacks: [...missing],
        answered_at: answeredAt.toISOString(),
      })),
      data_keys: sealKeys.map(({ id, state, masterKeyId, rows, createdAt }) => ({
        id,
        state,
        master_key: masterKeyId,
        rows,
        created_at: createdAt.toISOString(),
      })),
      backlogs: {
        webhooks: toBacklog(webhooks),
        event_deliveries: toBacklog(deliveries),
        listeners: toBacklog(listeners),
      },
    };
  }
}

const toBacklog = ({ count, oldest }: Waiting): BacklogResponse => ({
  waiting: count,
  oldest_at: oldest?.toISOString() ?? null,
});
