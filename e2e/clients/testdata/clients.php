<?php
// A program in PHP that knows nothing of tokentoss: it has a turn, waits, and has another.
function turn(): void
{
    $request = curl_init(getenv('SITE') . '/echo');
    curl_setopt_array($request, [CURLOPT_POSTFIELDS => 'body', CURLOPT_RETURNTRANSFER => true, CURLOPT_USERAGENT => 'php-curl/' . PHP_VERSION]);
    if (curl_exec($request) !== 'body') {
        fwrite(STDERR, curl_error($request));
        exit(1);
    }
}

turn();
sleep((int) getenv('PAUSE'));
turn();
