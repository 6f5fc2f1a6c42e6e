import type { ExecutionContext } from '@nestjs/common';
import { callerFrom } from '../../auth/tokens/verify-token.js';
import { EndUserGuard } from './project.guards.js';
import { projectNotFound, type ProjectsService } from '../projects.service.js';

const PROJECT_ID = '7b0c2a52-6d0f-4f57-9f0e-1d3f2c5a9b11';

describe('EndUserGuard', () => {
  const get = jest.fn();
  const guard = new EndUserGuard({ get } as unknown as ProjectsService);
  const enter = (projectId: unknown) => {
    const identity = callerFrom({ sub: 'user-1', exp: 4_102_444_800, project_id: projectId }, {});
    return guard.canActivate({
      switchToHttp: () => ({ getRequest: () => ({ identity }) }),
    } as unknown as ExecutionContext);
  };

  it('lets an end user through whose project exists', async () => {
    get.mockResolvedValueOnce({});
    await expect(enter(PROJECT_ID)).resolves.toBe(true);
    expect(get).toHaveBeenCalledWith(PROJECT_ID);
  });

  it('finds no project that was deleted, and none where the token names nothing that could be one', async () => {
    get.mockRejectedValueOnce(projectNotFound());
    await expect(enter(PROJECT_ID)).rejects.toMatchObject({ code: 'project_not_found' });
    await expect(enter('not-a-uuid')).rejects.toMatchObject({ code: 'project_not_found' });
  });
});
