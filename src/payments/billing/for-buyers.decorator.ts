import { applyDecorators, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiQuery, ApiTags } from '@nestjs/swagger';
import { ForEndUsers } from '../../auth/route-access.decorators.js';
import { EndUserGuard } from '../../projects/end-user.guard.js';
import { BuyerGuard } from './buyer.guard.js';

/** On a controller: its operations are for end users, each in one mode of the token's project. */
export const ForBuyers = () =>
  applyDecorators(
    ForEndUsers(),
    UseGuards(EndUserGuard, BuyerGuard),
    ApiTags('Billing'),
    ApiBearerAuth('HTTPBearer'),
    ApiQuery({
      name: 'test_mode',
      description: "Whether in Stripe's test mode.",
      required: false,
      schema: { type: 'boolean', default: true },
    }),
  );
