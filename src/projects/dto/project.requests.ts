import { ApiSchema } from '@nestjs/swagger';
import { TextField } from '../../http/fields.js';

@ApiSchema({ description: 'A new project.' })
export class ProjectCreateRequest {
  @TextField({ description: 'What people call it.', example: 'Corner shop', minLength: 1, maxLength: 255 })
  name: string;

  @TextField({
    description: 'What it is, in a few words.',
    example: 'Sells bread by subscription',
    maxLength: 1000,
    optional: true,
    multiline: true,
  })
  description?: string | null;
}

@ApiSchema({ description: 'What to change. A field that is absent or `null` keeps its value; an empty description clears it.' })
export class ProjectUpdateRequest {
  @TextField({ description: 'What people call it.', example: 'Corner shop', minLength: 1, maxLength: 255, optional: true })
  name?: string | null;

  @TextField({
    description: 'What it is, in a few words.',
    example: 'Sells bread by subscription',
    maxLength: 1000,
    optional: true,
    multiline: true,
  })
  description?: string | null;
}
