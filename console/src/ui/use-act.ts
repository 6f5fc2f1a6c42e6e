import { useMutation, useQueryClient } from '@tanstack/react-query';
import { toast } from './toasts';

/** Does something at the server, then reads again what it may have changed. */
export function useAct<Input = void, Output = unknown>(
  work: (input: Input) => Promise<Output>,
  {
    changes = [],
    done,
    onDone,
  }: {
    /** Keys of the queries to read again. */
    changes?: readonly (readonly unknown[])[];
    /** The sentence to show afterwards. */
    done?: string | ((output: Output) => string);
    onDone?: (output: Output) => void;
  } = {},
) {
  const client = useQueryClient();
  return useMutation<Output, Error, Input>({
    mutationFn: work,
    onSuccess: async (output) => {
      if (done !== undefined) toast(typeof done === 'function' ? done(output) : done);
      onDone?.(output);
      await Promise.all(changes.map((queryKey) => client.invalidateQueries({ queryKey })));
    },
  });
}
