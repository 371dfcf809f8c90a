# A program in Perl that knows nothing of tokentoss: it has a turn, waits, and has another.
use strict;
use warnings;
use LWP::UserAgent;

my $agent = LWP::UserAgent->new(env_proxy => 1);

sub turn {
    my $answer = $agent->post("$ENV{SITE}/echo", Content => 'body');
    die $answer->as_string unless $answer->decoded_content eq 'body';
}

turn();
sleep $ENV{PAUSE};
turn();
