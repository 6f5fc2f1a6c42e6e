import { Dialog as Base } from '@base-ui/react/dialog';
import { type ReactNode, useState } from 'react';
import { text } from '../text';
import { Actions, Button, Field, Form, FormError } from './controls';
import styles from './controls.module.css';

export function Dialog({
  open,
  title,
  about,
  onClose,
  children,
}: {
  open: boolean;
  title: string;
  about?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Base.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Popup className={styles.popup}>
          <Base.Title render={<h2 />}>{title}</Base.Title>
          {about && <Base.Description render={<p />}>{about}</Base.Description>}
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** For what can't be taken back. With a `word`, the word must be typed. */
export function Confirmation({
  open,
  title,
  about,
  word,
  verb,
  busy,
  error,
  onConfirm,
  onClose,
}: {
  open: boolean;
  title: string;
  about: ReactNode;
  word?: string;
  verb: string;
  busy: boolean;
  error?: string;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const [typed, setTyped] = useState('');
  const close = () => {
    setTyped('');
    onClose();
  };
  return (
    <Dialog open={open} title={title} about={about} onClose={close}>
      <Form onSubmit={onConfirm}>
        {word !== undefined && (
          <Field
            label={text.confirm.typeWord(word)}
            value={typed}
            autoFocus
            onChange={({ target }) => setTyped(target.value)}
          />
        )}
        <FormError>{error}</FormError>
        <Actions>
          <Button onClick={close}>{text.confirm.keep}</Button>
          <Button
            type="submit"
            kind="danger"
            busy={busy}
            disabled={word !== undefined && typed.trim() !== word}
          >
            {verb}
          </Button>
        </Actions>
      </Form>
    </Dialog>
  );
}
