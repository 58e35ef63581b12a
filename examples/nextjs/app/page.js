'use client';
import { useState } from 'react';

export default function Page() {
  const [answer, setAnswer] = useState('');
  async function ask(form) {
    const response = await fetch('/api/chat', {
      method: 'POST',
      body: JSON.stringify({ question: form.get('question') }),
    });
    let text = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) setAnswer((text += chunk));
  }
  return (
    <form action={ask}>
      <input name="question" placeholder="Ask something" required />
      <button>Ask</button>
      <p>{answer}</p>
    </form>
  );
}
