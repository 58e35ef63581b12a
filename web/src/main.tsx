import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { Book } from './api/book.ts';
import { openBook } from './api/book.ts';
import { ApiError } from './api/client.ts';
import { applyTheme } from './parts/theme-toggle.tsx';
import { createAppRouter } from './router.tsx';
import './styles/base.css';
import './styles/parts.css';
import './styles/states.css';
import './styles/runs.css';

applyTheme();

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      refetchOnWindowFocus: false,
      staleTime: 2000,
      // A refusal stays one; only what may pass is asked again.
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

function show(): void {
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={createAppRouter()} />
      </QueryClientProvider>
    </StrictMode>,
  );
}

const book = openBook();
if (book === null) show();
else {
  const openAtRun = ({ runId, otherId }: Book): void => {
    // A page that holds its runs opens with the one it was made for, or with the two that it compares.
    const comparison = otherId === null ? '' : `/diff/${otherId}`;
    if (!location.hash.startsWith('#/')) location.replace(`#/runs/${runId}${comparison}`);
  };
  // What cannot be read is told by the first page that asks for it.
  void book.then(openAtRun, () => undefined).then(show);
}
