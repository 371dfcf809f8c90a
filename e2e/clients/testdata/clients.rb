# A program in Ruby that knows nothing of tokentoss: it has a turn, waits, and has another.
require 'net/http'

turn = lambda do
  answer = Net::HTTP.post(URI("#{ENV.fetch('SITE')}/echo"), 'body')
  raise answer.inspect unless answer.body == 'body'
end
turn.call
sleep ENV.fetch('PAUSE').to_f
turn.call
