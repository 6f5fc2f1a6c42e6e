import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Redirect, Route, Router, Switch, useLocation } from 'wouter';
import { BASE } from './api/place';
import { accessToken, useSession } from './api/session';
import type * as Pages from './pages';
import { Home } from './pages/home';
import { SignIn, SignInAgain } from './pages/account/sign-in';
import { Register } from './pages/account/register';
import { ProjectScope } from './shell/project';
import { Shell } from './shell/shell';
import { text } from './text';
import { ButtonLink } from './ui/controls';
import { Empty, Skeleton } from './ui/content';
import { Loaded } from './ui/loaded';

const page = (name: keyof typeof Pages) => lazy(async () => ({ default: (await import('./pages'))[name] }));

const ForgottenPassword = page('ForgottenPassword');
const NewPassword = page('NewPassword');
const Invitation = page('Invitation');
const Account = page('Account');
const NewProject = page('NewProject');
const Overview = page('Overview');
const Stripe = page('Stripe');
const Events = page('Events');
const Money = page('Money');
const Payment = page('Payment');
const Subscription = page('Subscription');
const History = page('History');
const Access = page('Access');
const AllProjects = page('AllProjects');
const System = page('System');

export function App() {
  return (
    <Router base={BASE}>
      <Suspense fallback={<Skeleton lines={8} />}>
        <Switch>
          <Route path="/sign-in" component={SignIn} />
          <Route path="/register" component={Register} />
          <Route path="/forgotten-password" component={ForgottenPassword} />
          <Route path="/new-password" component={NewPassword} />
          <Route path="/invitation" component={Invitation} />
          <Route>
            <SignedIn />
          </Route>
        </Switch>
      </Suspense>
    </Router>
  );
}

function SignedIn() {
  const session = useSession();
  const [path] = useLocation();
  const start = useQuery({
    queryKey: ['session'],
    enabled: session === 'unknown',
    gcTime: 0,
    // The token itself stays in the session.
    queryFn: async () => (await accessToken()) !== null,
  });
  if (session === 'unknown') return <Loaded query={start}>{() => null}</Loaded>;
  if (session === 'out') return <Redirect to={signInPath(path)} replace />;
  return (
    <>
      <Shell>
        <Switch>
          <Route path="/" component={Home} />
          <Route path="/projects/new" component={NewProject} />
          <Route path="/projects/:id/*?">
            {({ id }) => (
              <ProjectScope key={id} id={id}>
                <ProjectRoutes />
              </ProjectScope>
            )}
          </Route>
          <Route path="/operator/projects" component={AllProjects} />
          <Route path="/operator/system" component={System} />
          <Route path="/account" component={Account} />
          <Route>
            <NotFound />
          </Route>
        </Switch>
      </Shell>
      {session === 'ended' && <SignInAgain />}
    </>
  );
}

function ProjectRoutes() {
  return (
    <Switch>
      <Route path="/projects/:id" component={Overview} />
      <Route path="/projects/:id/stripe" component={Stripe} />
      <Route path="/projects/:id/events" component={Events} />
      <Route path="/projects/:id/money" component={Money} />
      <Route path="/projects/:id/money/payments/:object" component={Payment} />
      <Route path="/projects/:id/money/subscriptions/:object" component={Subscription} />
      <Route path="/projects/:id/history" component={History} />
      <Route path="/projects/:id/access" component={Access} />
      <Route>
        <NotFound />
      </Route>
    </Switch>
  );
}

const signInPath = (path: string) => {
  const here = path + location.search;
  return here === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(here)}`;
};

function NotFound() {
  return (
    <Empty title={text.failed.noPage} action={<ButtonLink href="/">{text.nav.home}</ButtonLink>}>
      {text.failed.noPageAbout}
    </Empty>
  );
}
