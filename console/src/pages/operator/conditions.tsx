import type { Schema } from '../../api/types';
import { text } from '../../text';
import { State, type Tone } from '../../ui/content';

export type Health = Schema<'OperatorProjectResponse'>['health'];
export type Problem = Schema<'OperatorProjectResponse'>['problems'][number];

const TONES: Record<Health, Tone> = {
  unhealthy: 'bad',
  unverified: 'warn',
  healthy: 'good',
  unconfigured: 'off',
};
export const HEALTHS = Object.keys(TONES) as Health[];

const PROBLEM_TONES: Record<Problem, Tone> = {
  endpoint_disabled: 'bad',
  endpoint_silent: 'bad',
  signatures_failing: 'bad',
  credentials_expiring: 'warn',
};
export const PROBLEMS = Object.keys(PROBLEM_TONES) as Problem[];

/** The health of a project's keys and its problems, in words. */
export const Conditions = ({
  project: { health, problems },
}: {
  project: Pick<Schema<'OperatorProjectResponse'>, 'health' | 'problems'>;
}) => (
  <span className="row">
    {(health !== 'healthy' || problems.length === 0) && (
      <State tone={TONES[health]}>{text.operator.healths[health]}</State>
    )}
    {problems.map((problem) => (
      <State key={problem} tone={PROBLEM_TONES[problem]}>
        {text.operator.problems[problem]}
      </State>
    ))}
  </span>
);
