import { type MouseEvent, type ReactNode, useId, useLayoutEffect, useRef, useState } from 'react';
import { text } from '../text';
import { Actions, Button, Field, Form, FormError } from './controls';
import styles from './controls.module.css';

interface DialogProps {
  title: string;
  about?: ReactNode;
  /** Whether a click beside it closes it: not if something typed or shown once would be lost. */
  light?: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function Dialog({ open, ...props }: DialogProps & { open: boolean }) {
  return open ? <OpenDialog {...props} /> : null;
}

/** The browser keeps the focus inside, makes the page inert, and gives the focus back. */
function OpenDialog({ title, about, light = false, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  const onClick = ({ target, currentTarget }: MouseEvent) => {
    if (light && target === currentTarget) onClose();
  };
  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-labelledby={id}
      onClick={onClick}
      // Strict mode closes it and opens it again, before this event arrives.
      onClose={({ currentTarget }) => currentTarget.open || onClose()}
    >
      <div className={styles.popup}>
        <h2 id={id}>{title}</h2>
        {about && <p>{about}</p>}
        {children}
        <button type="button" className={styles.close} aria-label={text.close} onClick={onClose}>
          ×
        </button>
      </div>
    </dialog>
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
